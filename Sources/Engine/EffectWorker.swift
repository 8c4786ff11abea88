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
    /// Requests under way at once, and of these to one channel: a dead receiver keeps only its own share waiting.
    public var maximumInFlight = 256
    public var maximumPerChannel = 32
    /// One attempt, from connecting to the last byte. Shorter than the lease, so that a living worker never loses one.
    public var attemptTimeout: Duration = .seconds(20)
    public var leaseSeconds: Double = 60
    public var pollInterval: Duration = .milliseconds(250)
    /// Bytes of an answer that are read; more is a failure.
    public var maximumResponseBytes = 64 * 1024

    public init() {}
}

/// Carries effects from the outbox to the channels: at least once, with the effect's key, in order per conversation.
public actor EffectWorker: Service {
    private let id = UUID()
    private let store: Store
    private let client: HTTPClient
    private let configuration: EffectWorkerConfiguration
    private let logger: Logger
    private let queue = WorkQueue<UUID>()
    private let metrics = EffectMetrics()
    /// Called where a crash test may want to stop the process; does nothing in production.
    private let probe: @Sendable (String) -> Void

    private var inFlight = 0
    private var perChannel: [UUID: Int] = [:]
    private var settling: [UUID: [(ClaimedEffect, EffectOutcome)]] = [:]
    private var isSettling = false
    private var idleWaiters: [CheckedContinuation<Void, Never>] = []

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
                group.addTask { await self.takeTurns() }
                group.addTask { await self.poll() }
                await group.waitForAll()
            }
        } onGracefulShutdown: {
            self.queue.close()
        }
        await drain()
    }

    private func takeTurns() async {
        while let workspace = await queue.next() {
            do {
                try await claim(workspace)
            } catch {
                metrics.work.failures.increment()
                logger.warning("effects were put off", metadata: ["workspace": "\(workspace)", "error": "\(error)"])
                try? await Task.sleep(for: .milliseconds(Double.random(in: 50...250)))
            }
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

    /// Claims as many effects of the workspace as may be under way, and sends them.
    private func claim(_ workspace: UUID) async throws {
        let room = configuration.maximumInFlight - inFlight
        // With no room, the end of any attempt looks again.
        guard room > 0 else { return }
        let busy = perChannel.filter { $0.value >= configuration.maximumPerChannel }.map(\.key)
        let limit = min(room, configuration.maximumPerChannel)
        let (id, lease) = (id, configuration.leaseSeconds)
        let began = ContinuousClock.now
        let effects = try await store.write {
            try $0.claimEffects(limit: limit, owner: id, busy: busy, leaseSeconds: lease, in: workspace)
        }
        if !effects.isEmpty { metrics.work.claim.record(since: began) }
        for effect in effects {
            inFlight += 1
            metrics.inFlight.set(inFlight)
            if let channel = effect.channelID { perChannel[channel, default: 0] += 1 }
            Task {
                let began = ContinuousClock.now
                let outcome = await self.attempt(effect)
                self.metrics.attempt.record(since: began)
                self.finish(effect, outcome, workspace)
            }
        }
        if effects.count == limit { queue.add(workspace) }
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

    private func finish(_ effect: ClaimedEffect, _ outcome: EffectOutcome, _ workspace: UUID) {
        inFlight -= 1
        metrics.inFlight.set(inFlight)
        switch outcome {
        case .delivered: metrics.delivered.increment()
        case .retry: metrics.retried.increment()
        case .dead: metrics.dead.increment()
        }
        if let channel = effect.channelID {
            let left = (perChannel[channel] ?? 1) - 1
            perChannel[channel] = left > 0 ? left : nil
        }
        settling[workspace, default: []].append((effect, outcome))
        if !isSettling {
            isSettling = true
            Task { await self.settle() }
        }
    }

    /// Writes outcomes in batches: while one commits, the next one gathers.
    private func settle() async {
        while let (workspace, outcomes) = settling.popFirst() {
            let id = id
            do {
                let done = try await store.write { tx in
                    try tx.settleEffects(outcomes, owner: id, in: workspace)
                    return ContinuousClock.now
                }
                metrics.work.commit.record(since: done)
            } catch {
                // The leases run out and the effects are sent again, under the same keys.
                logger.warning("outcomes were lost", metadata: ["count": "\(outcomes.count)", "error": "\(error)"])
            }
            queue.add(workspace)
        }
        isSettling = false
        if inFlight == 0 {
            for waiter in idleWaiters { waiter.resume() }
            idleWaiters = []
        }
    }

    private func drain() async {
        guard inFlight > 0 || isSettling else { return }
        await withCheckedContinuation { idleWaiters.append($0) }
    }
}
