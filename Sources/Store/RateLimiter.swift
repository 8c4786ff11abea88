import Core
import Foundation
import Synchronization

/// The rate limits of this process, for all of its requests. Decides in memory; what others use is told by ``hear(_:)``.
public final class RateLimiter: Sendable {
    private let ledger: Mutex<RateLedger>
    private let onUrgent = Mutex<(@Sendable () -> Void)?>(nil)

    public init(_ limits: RateLimits) {
        ledger = Mutex(RateLedger(limits))
    }

    /// Called when the others should be told at once; must return at once.
    public func whenUrgent(_ action: @escaping @Sendable () -> Void) { onUrgent.withLock { $0 = action } }

    /// Counts a request of the caller, if it is permitted.
    public func take(_ caller: RateCaller) -> RateDecision {
        let (decision, isUrgent) = ledger.withLock { $0.take(caller, at: Self.now) }
        if isUrgent { onUrgent.withLock({ $0 })?() }
        return decision
    }

    /// What `take` would decide.
    public func look(_ caller: RateCaller) -> RateDecision { ledger.withLock { $0.look(caller, at: Self.now) } }

    /// Whether the address may try a token that is not known to be good.
    public func lookAtGuess(from address: AddressGroup) -> RateDecision {
        ledger.withLock { $0.lookAtGuess(from: address, at: Self.now) }
    }

    /// Counts a token that admitted nobody.
    public func failed(from address: AddressGroup) { ledger.withLock { $0.failed(from: address, at: Self.now) } }

    /// What to tell the other processes.
    public func tell() -> [RateCaller: Int] { ledger.withLock { $0.tell() } }

    /// Charges what another process let through.
    public func hear(_ use: [RateCaller: Int]) { ledger.withLock { $0.hear(use, at: Self.now) } }

    /// Sets the workspaces that have a limit of their own, and forgets who has been quiet.
    public func refresh(_ overrides: [UUID: RateLimit]) {
        ledger.withLock { ledger in
            ledger.overrides = overrides
            ledger.forgetFull(at: Self.now)
        }
    }

    private static let start = ContinuousClock.now

    /// Nanoseconds since the start.
    private static var now: Int64 {
        let (seconds, attoseconds) = start.duration(to: .now).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
