import Channels
import Core
import Foundation
import HTTPClient
import Logging
import Postgres
import ServiceLifecycle
import Store

/// Limits of the effect worker.
public struct EffectWorkerConfiguration: Sendable {
    /// Requests under way to one channel. Below what the client may have open to one host and port, so that a dead receiver
    /// keeps only its own share waiting, whoever else is behind the same address.
    public var maximumPerChannel = 32
    /// Effects of one channel that are ours at once: those under way, and the next ones, which follow without a look into
    /// the database.
    public var maximumClaimedPerChannel = 64
    /// The same of all channels together.
    public var maximumClaimed = 512
    /// Transactions at once, of different workspaces.
    public var concurrency = 2
    /// One attempt, from connecting to the last byte. With the wait for those before it shorter than the lease, so that a
    /// living worker never loses one.
    public var attemptTimeout: Duration = .seconds(20)
    public var leaseSeconds: Double = 60
    public var pollInterval: Duration = .milliseconds(250)
    /// Bytes of an answer that are read; more is a failure.
    public var maximumResponseBytes = 64 * 1024

    public init() {}
}

/// Carries effects from the outbox to the channels: at least once, with the effect's key, in order per conversation.
public actor EffectWorker: Service {
    /// What is ours of a channel.
    private struct Load {
        var inFlight = 0
        /// Claimed, to be sent in this order.
        var ready: [Claim] = []
        var claimed: Int { inFlight + ready.count }
    }

    private struct Claim {
        let effect: ClaimedEffect
        let workspace: UUID
        /// By this process's clock, before the database's.
        let began: ContinuousClock.Instant
    }

    private let id = UUID()
    private let store: Store
    private let client: HTTPClient
    private let configuration: EffectWorkerConfiguration
    private let logger: Logger
    private let queue = WorkQueue<UUID>()
    private let metrics = EffectMetrics()
    /// Called where a crash test may want to stop the process; does nothing in production.
    private let probe: @Sendable (String) -> Void

    private var loads: [UUID?: Load] = [:]
    private var claimed = 0
    private var inFlight = 0
    /// Outcomes that are to be written down.
    private var outcomes: [UUID: [(ClaimedEffect, EffectOutcome)]] = [:]
    private var drainer: CheckedContinuation<Void, Never>?

    public init(
        store: Store, client: HTTPClient, configuration: EffectWorkerConfiguration = EffectWorkerConfiguration(),
        logger: Logger, probe: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.store = store
        self.client = client
        self.configuration = configuration
        self.logger = logger
        self.probe = probe
    }

    /// Sends until shut down; what is under way then is finished and written down.
    public func run() async throws {
        store.nudges.listen { [queue] nudges in
            for case .outbox(let workspace) in nudges { queue.add(workspace) }
        }
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<configuration.concurrency { group.addTask { await self.takeTurns() } }
                group.addTask { await self.poll() }
                await group.waitForAll()
            }
        } onGracefulShutdown: {
            self.queue.close()
        }
        await drain()
    }

    private func takeTurns() async {
        while let turn = await queue.next() {
            let isDone = await take(turn.key)
            turn.end()
            if !isDone { try? await Task.sleep(for: .milliseconds(Double.random(in: 50...250))) }
        }
    }

    private func poll() async {
        while !queue.isClosed {
            if let rows = try? await store.read("workspaces_with_due_effects", []) {
                for row in rows {
                    if let workspace = try? row.decode("id", as: UUID.self) { queue.add(workspace) }
                }
            }
            try? await cancelWhenGracefulShutdown { [configuration] in
                try await Task.sleep(for: configuration.pollInterval * Double.random(in: 0.8...1.2))
            }
        }
    }

    /// One transaction: what came back of a workspace's effects is written down, and as many as there is room for are
    /// claimed. While it commits, outcomes gather for the next.
    /// - Returns: false when it has to be put off.
    private func take(_ workspace: UUID) async -> Bool {
        let done = outcomes.removeValue(forKey: workspace) ?? []
        // With no room, the end of any attempt looks again.
        let limit = min(configuration.maximumClaimed - claimed, configuration.maximumClaimedPerChannel)
        guard !done.isEmpty || limit > 0 else { return true }
        let perChannel = configuration.maximumClaimedPerChannel
        var rooms: [UUID: Int] = [:]
        for case (let channel?, let load) in loads { rooms[channel] = max(0, perChannel - load.claimed) }
        // Reserved while the transaction runs; another workspace's counts the rest.
        let reserved = max(0, limit)
        claimed += reserved
        defer { claimed -= reserved }
        let began = ContinuousClock.now
        do {
            let (id, lease) = (id, configuration.leaseSeconds)
            let (effects, ended) = try await store.write { [rooms] transaction in
                if !done.isEmpty { try transaction.settleEffects(done, owner: id, in: workspace) }
                let effects =
                    limit > 0
                    ? try transaction.claimEffects(
                        limit: limit, perChannel: perChannel, rooms: rooms, owner: id, leaseSeconds: lease,
                        in: workspace) : []
                return (effects, ContinuousClock.now)
            }
            if !effects.isEmpty { metrics.work.claim.record(duration: ended - began) }
            if !done.isEmpty || !effects.isEmpty { metrics.work.commit.record(since: ended) }
            for effect in effects {
                claimed += 1
                loads[effect.channelID, default: Load()].ready
                    .append(Claim(effect: effect, workspace: workspace, began: began))
            }
            for channel in Set(effects.map(\.channelID)) { send(channel) }
            if effects.count == limit { queue.add(workspace) }
            return true
        } catch {
            metrics.work.failures.increment()
            logger.warning("effects were put off", metadata: ["workspace": "\(workspace)", "error": "\(error)"])
            await settleAlone(done, workspace)
            return false
        }
    }

    /// What came back must not wait for what cannot be claimed.
    private func settleAlone(_ done: [(ClaimedEffect, EffectOutcome)], _ workspace: UUID) async {
        guard !done.isEmpty else { return }
        do {
            let id = id
            try await store.write { try $0.settleEffects(done, owner: id, in: workspace) }
        } catch {
            // The leases run out and the effects are sent again, under the same keys.
            logger.warning("outcomes were lost", metadata: ["count": "\(done.count)", "error": "\(error)"])
        }
    }

    /// Sends what is ready of a channel, as far as it may have requests under way.
    private func send(_ channel: UUID?) {
        guard !queue.isClosed, var load = loads[channel] else { return }
        let count = min(configuration.maximumPerChannel - load.inFlight, load.ready.count)
        guard count > 0 else { return }
        let next = load.ready.prefix(count)
        load.ready.removeFirst(count)
        load.inFlight += count
        loads[channel] = load
        inFlight += count
        metrics.inFlight.set(inFlight)
        for claim in next {
            Task {
                let outcome = await self.attempt(claim)
                self.finish(claim, outcome)
            }
        }
    }

    private nonisolated func attempt(_ claim: Claim) async -> EffectOutcome {
        // The lease must outlast the attempt: whoever has it then would send the same at the same time.
        let rest = Duration.seconds(configuration.leaseSeconds) - (ContinuousClock.now - claim.began)
        guard rest > configuration.attemptTimeout else { return .untried }
        let began = ContinuousClock.now
        let outcome = await attempt(claim.effect)
        metrics.attempt.record(since: began)
        return outcome
    }

    private nonisolated func attempt(_ effect: ClaimedEffect) async -> EffectOutcome {
        guard let account = effect.account, let url = account.url, let adapter = Channels.adapter(kind: account.kind),
            let message = OutgoingMessage(outboxBody: effect.body, key: effect.key)
        else { return .dead(reason: "the channel is gone or takes no messages") }
        let request = adapter.encode(message, to: ChannelAccount(url: url, token: account.token))
        do throws(HTTPClientError) {
            let response = try await client.send(
                HTTPRequest(
                    method: request.method, url: request.url,
                    headers: headers(request, of: effect), body: request.body,
                    timeout: configuration.attemptTimeout, maximumResponseBytes: configuration.maximumResponseBytes))
            probe("effect.after_send")
            let answer = ChannelResponse(
                status: response.status,
                headers: response.headers.map { ChannelHeader(name: $0.name, value: $0.value) },
                body: response.body)
            switch adapter.classify(answer, now: Date()) {
            case .delivered: return .delivered
            case .permanent(let reason): return .dead(reason: reason)
            case .retry(let after, let reason): return later(effect, atLeast: after, reason: reason)
            }
        } catch {
            return error.isPermanent ? .dead(reason: "\(error)") : later(effect, atLeast: nil, reason: "\(error)")
        }
    }

    /// The adapter's, and the trace that the effect goes back to: each attempt is a span of its own.
    private nonisolated func headers(_ request: OutgoingRequest, of effect: ClaimedEffect) -> HTTPHeaders {
        var headers = HTTPHeaders(request.headers.map { HTTPHeaders.Field(name: $0.name, value: $0.value) })
        let trace = effect.trace?.child() ?? TraceContext()
        headers.add("traceparent", trace.parent)
        if let state = trace.state { headers.add("tracestate", state) }
        return headers
    }

    private nonisolated func later(_ effect: ClaimedEffect, atLeast: TimeInterval?, reason: String) -> EffectOutcome {
        let jitter = Double.random(in: 0..<1)
        let delay = max(Backoff.outbox.delay(afterFailures: effect.attempts, jitter: jitter), atLeast ?? 0)
        let waited = effect.claimedAt.timeIntervalSince(effect.createdAt)
        return waited + delay > Backoff.outbox.lifetime
            ? .dead(reason: "given up after \(effect.attempts) attempts: \(reason)")
            : .retry(after: delay, reason: reason)
    }

    private func finish(_ claim: Claim, _ outcome: EffectOutcome) {
        inFlight -= 1
        metrics.inFlight.set(inFlight)
        switch outcome {
        case .delivered: metrics.delivered.increment()
        case .retry: metrics.retried.increment()
        case .dead: metrics.dead.increment()
        case .untried: break
        }
        let channel = claim.effect.channelID
        loads[channel]?.inFlight -= 1
        keep(outcome, of: claim)
        send(channel)
        drainer?.resume()
        drainer = nil
    }

    private func keep(_ outcome: EffectOutcome, of claim: Claim) {
        claimed -= 1
        let channel = claim.effect.channelID
        if loads[channel]?.claimed == 0 { loads[channel] = nil }
        outcomes[claim.workspace, default: []].append((claim.effect, outcome))
        queue.add(claim.workspace)
    }

    /// Nothing new is sent: what was claimed and not sent is given back, what is under way is waited for.
    private func drain() async {
        for load in loads.values {
            for claim in load.ready { keep(.untried, of: claim) }
        }
        for channel in loads.keys { loads[channel]?.ready = [] }
        while inFlight > 0 || !outcomes.isEmpty {
            while let (workspace, done) = outcomes.popFirst() { await settleAlone(done, workspace) }
            if inFlight > 0 { await withCheckedContinuation { drainer = $0 } }
        }
    }
}
