import Foundation

/// What every caller has used, here and as far as heard in the other processes.
///
/// Each process decides by itself and tells the others afterwards what it let through; they charge that. So nothing is
/// asked of anybody while a request waits, and together the processes let through at most what one would, plus what each
/// had not yet told: a `share` of the quota or an interval's use, whichever is less. The excess is a debt, paid before the
/// next request.
public struct RateLedger: Sendable {
    /// Use is told at once when it reaches this part of the quota, otherwise once an interval.
    public static let share = 16

    public let limits: RateLimits
    /// Workspaces with a limit of their own: it replaces the workspace's, and each key and channel may use all of it.
    public var overrides: [UUID: RateLimit] = [:] {
        didSet {
            // What was used of the old limit says nothing about the new one.
            let changed = Set(oldValue.keys).union(overrides.keys).filter { oldValue[$0] != overrides[$0] }
            guard !changed.isEmpty else { return }
            workspaces.forget { changed.contains($0) }
            callers.forget { $0.workspace.map(changed.contains) ?? false }
        }
    }
    private var callers: RateTable<RateCaller>
    private var workspaces: RateTable<UUID>
    private var addresses: RateTable<AddressGroup>
    private var untold: [RateCaller: Int] = [:]

    /// - Parameter capacity: callers, workspaces and addresses kept, each.
    public init(_ limits: RateLimits, capacity: Int = 20_000) {
        self.limits = limits
        callers = RateTable(capacity: capacity)
        workspaces = RateTable(capacity: capacity)
        addresses = RateTable(capacity: capacity)
    }

    // MARK: Callers

    /// Lets one request through, or not. What is refused costs nothing.
    /// - Returns: the decision, and whether the others should be told at once.
    public mutating func take(_ caller: RateCaller, at now: Int64) -> (decision: RateDecision, isUrgent: Bool) {
        let decision = look(caller, at: now)
        guard decision.isPermitted, !decision.states.isEmpty else { return (decision, false) }
        charge(caller, 1, at: now)
        let count = untold[caller, default: 0] + 1
        untold[caller] = count
        let quota = decision.states.map(\.limit.quota).min() ?? .max
        return (look(caller, at: now, asked: decision), count == max(1, quota / Self.share))
    }

    /// What `take` would decide.
    public func look(_ caller: RateCaller, at now: Int64) -> RateDecision { look(caller, at: now, asked: nil) }

    private func look(_ caller: RateCaller, at now: Int64, asked: RateDecision?) -> RateDecision {
        var states: [RateState] = []
        var violated: [String] = []
        var delay: Int64 = 0
        for (policy, limit, bucket) in buckets(of: caller) {
            states.append(
                RateState(
                    policy: policy, limit: limit, remaining: bucket.remaining(limit, at: now),
                    reset: bucket.reset(at: now)))
            let wait = bucket.delay(limit, at: now)
            guard wait > 0 else { continue }
            violated.append(policy)
            delay = max(delay, wait)
        }
        let isPermitted = asked?.isPermitted ?? violated.isEmpty
        return RateDecision(
            states: states, retryAfter: isPermitted ? nil : max(1, RateBucket.seconds(delay)),
            violated: isPermitted ? [] : violated)
    }

    private func buckets(of caller: RateCaller) -> [(policy: String, limit: RateLimit, bucket: RateBucket)] {
        let (own, shared) = limits(of: caller)
        var all: [(policy: String, limit: RateLimit, bucket: RateBucket)] = []
        if let own { all.append((caller.kind.rawValue, own, callers[caller])) }
        if let shared, let workspace = caller.workspace { all.append(("workspace", shared, workspaces[workspace])) }
        return all
    }

    private func limits(of caller: RateCaller) -> (own: RateLimit?, workspace: RateLimit?) {
        if let workspace = caller.workspace, let limit = overrides[workspace] { return (limit, limit) }
        return (caller.kind == .key ? limits.key : limits.channel, limits.workspace)
    }

    private mutating func charge(_ caller: RateCaller, _ count: Int, at now: Int64) {
        let (own, shared) = limits(of: caller)
        if let own { callers.charge(caller, count, own, at: now) }
        if let shared, let workspace = caller.workspace { workspaces.charge(workspace, count, shared, at: now) }
    }

    // MARK: Sharing

    /// What was let through and not told yet; from here on it counts as told.
    public mutating func tell() -> [RateCaller: Int] {
        defer { untold = [:] }
        return untold
    }

    /// Charges what another process let through.
    public mutating func hear(_ use: [RateCaller: Int], at now: Int64) {
        for (caller, count) in use { charge(caller, count, at: now) }
    }

    /// Forgets who has used nothing for a while.
    public mutating func forgetFull(at now: Int64) {
        callers.forgetFull(at: now)
        workspaces.forgetFull(at: now)
        addresses.forgetFull(at: now)
    }

    // MARK: Guessing

    /// Whether the address may try a token that is not known to be good.
    public func lookAtGuess(from address: AddressGroup, at now: Int64) -> RateDecision {
        guard let limit = limits.failures else { return RateDecision(states: [], retryAfter: nil, violated: []) }
        let bucket = addresses[address]
        let delay = bucket.delay(limit, at: now)
        let state = RateState(
            policy: Self.failures, limit: limit, remaining: bucket.remaining(limit, at: now),
            reset: bucket.reset(at: now))
        return RateDecision(
            states: [state], retryAfter: delay > 0 ? max(1, RateBucket.seconds(delay)) : nil,
            violated: delay > 0 ? [Self.failures] : [])
    }

    private static let failures = "failures"

    /// Counts a token that admitted nobody.
    public mutating func failed(from address: AddressGroup, at now: Int64) {
        if let limit = limits.failures { addresses.charge(address, 1, limit, at: now) }
    }

    /// Buckets kept, for tests and gauges.
    public var count: Int { callers.buckets.count + workspaces.buckets.count + addresses.buckets.count }
}
