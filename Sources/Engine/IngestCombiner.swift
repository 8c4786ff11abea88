import Core
import Foundation
import Logging
import Postgres
import Store

/// Gathers inbound messages of many callers into few transactions per workspace.
///
/// While one batch is in flight the next one gathers, so batching adds no waiting of its own: one message alone goes at
/// once, a hundred at the same time share one commit. A second one goes beside it when it is full or the first one takes
/// long; a sender's messages keep their order (`IngestQueue`). A caller is answered when its messages are durable, and one
/// guilty message never fails its neighbours (S6).
public actor IngestCombiner: InboundAccepting {
    /// Messages in one transaction. Beyond a few hundred the gain per message is gone and the wait grows.
    public static let maximumBatch = 250
    /// Transactions of one workspace at the same time.
    public static let maximumUnderWay = 2
    /// Who would not be written so soon after coming is told to come back, so that memory stays bounded, and what is accepted is
    /// answered soon: docs/survival.md has what that is at ten times what the machine can do.
    public static let maximumWait = Duration.milliseconds(500)
    /// That is a guess, made when a call comes. One that was wrong by more than this is late.
    private static let tolerance = Duration.milliseconds(100)

    private struct Call {
        let events: [InboundEvent]
        let continuation: CheckedContinuation<[InboundResult], any Error>
    }

    /// Workspaces of which it is known how long their batches take.
    private static let maximumKnown = 256

    /// The calls of a workspace, and the tasks that write them: one for each batch under way, none when nobody waits.
    private struct Lanes {
        var queue: IngestQueue<Call>
        var count = 0
        /// Somebody looks again when the batches under way have had their time.
        var isWatched = false

        var isUsed: Bool { count > 0 || queue.count > 0 || isWatched }
    }

    private let store: Store
    private let logger: Logger
    private let batch: Int
    private let metrics = IngestMetrics()
    private let maximumWait: Duration
    /// Called where a crash test may want to stop the process; does nothing in production.
    private let probe: @Sendable (String) -> Void
    /// Messages that wait or are being written.
    private var waiting = 0
    private var lanes: [UUID: Lanes] = [:]

    /// - Parameters:
    ///   - batch: messages in one transaction, for tests that want many small ones.
    ///   - maximumWait: how soon after coming a message has to be written, for tests on machines that are late.
    public init(
        store: Store, logger: Logger, batch: Int = maximumBatch,
        maximumWait: Duration = maximumWait, probe: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.store = store
        self.logger = logger
        self.batch = batch
        self.maximumWait = maximumWait
        self.probe = probe
    }

    public func checkWait(in workspace: UUID, since arrived: ContinuousClock.Instant) async throws {
        try checkWait(of: [], in: workspace, since: arrived)
    }

    private func checkWait(
        of senders: [IdentityKey], in workspace: UUID, since arrived: ContinuousClock.Instant
    ) throws {
        // Who need not wait is never too late.
        guard let wait = lanes[workspace]?.queue.wait(for: senders), wait > 0 else { return }
        guard arrived.duration(to: .now) + .seconds(wait) <= maximumWait else { throw Self.overloaded }
    }

    public func accept(
        _ events: [InboundEvent], in workspace: UUID, since arrived: ContinuousClock.Instant = .now
    ) async throws -> [InboundResult] {
        guard !events.isEmpty else { return [] }
        let senders = events.map(IdentityKey.init(event:))
        try checkWait(of: senders, in: workspace, since: arrived)
        wait(for: events.count)
        defer { wait(for: -events.count) }
        return try await withCheckedThrowingContinuation { continuation in
            add(Call(events: events, continuation: continuation), of: senders, workspace, since: arrived)
            openLane(workspace)
        }
    }

    private static var overloaded: PostgresError {
        PostgresError(.overloaded, message: "too many inbound messages wait")
    }

    private func add(
        _ call: Call, of senders: [IdentityKey], _ workspace: UUID, since arrived: ContinuousClock.Instant
    ) {
        if lanes[workspace] == nil {
            if lanes.count >= Self.maximumKnown { lanes = lanes.filter { $1.isUsed } }
            lanes[workspace] = Lanes(
                queue: IngestQueue(
                    maximumBatch: batch, maximumUnderWay: Self.maximumUnderWay,
                    lateness: maximumWait + Self.tolerance))
        }
        lanes[workspace]?.queue.add(call, of: senders, since: arrived)
    }

    private func wait(for messages: Int) {
        waiting += messages
        metrics.waiting.set(waiting)
    }

    /// Has one batch more written, at once or when the time has come.
    private func openLane(_ workspace: UUID) {
        guard let lane = lanes[workspace], lane.count < Self.maximumUnderWay, lane.queue.count > 0 else { return }
        if lane.count == 0 || lane.queue.mayBegin {
            lanes[workspace]?.count += 1
            Task { await self.drain(workspace) }
        } else {
            openLaneLater(workspace)
        }
    }

    private func openLaneLater(_ workspace: UUID) {
        guard lanes[workspace]?.isWatched == false else { return }
        lanes[workspace]?.isWatched = true
        Task {
            try? await Task.sleep(for: .seconds(IngestQueue<Call>.patience))
            lanes[workspace]?.isWatched = false
            openLane(workspace)
        }
    }

    /// Sends batch after batch until nobody of the workspace may go. A batch is of many callers, so it runs on behalf of
    /// none of them, and not under the context of the one who happened to come first.
    private func drain(_ workspace: UUID) async {
        let access = AccessContext(workspace: workspace, actor: Actor(kind: "contact"))
        await AccessContext.$current.withValue(access) { await sendAll(of: workspace) }
    }

    private func sendAll(of workspace: UUID) async {
        while let batch = nextBatch(workspace) {
            // There may be enough for another.
            openLane(workspace)
            await send(batch.calls, workspace)
            lanes[workspace]?.queue.finished(batch)
        }
        lanes[workspace]?.count -= 1
        if let lane = lanes[workspace], lane.count > 0, lane.queue.count > 0 { openLaneLater(workspace) }
    }

    private func nextBatch(_ workspace: UUID) -> IngestQueue<Call>.Batch? {
        for call in lanes[workspace]?.queue.takeLate() ?? [] { call.continuation.resume(throwing: Self.overloaded) }
        return lanes[workspace]?.queue.take()
    }

    private func send(_ calls: [Call], _ workspace: UUID) async {
        do {
            let events = calls.flatMap(\.events)
            let began = ContinuousClock.now
            let results = try await write(events, workspace)
            metrics.write.record(since: began)
            metrics.batch.record(events.count)
            count(results)
            var start = 0
            for call in calls {
                call.continuation.resume(returning: Array(results[start..<(start + call.events.count)]))
                start += call.events.count
            }
        } catch {
            for call in calls { call.continuation.resume(throwing: error) }
        }
    }

    private func count(_ results: [InboundResult]) {
        for result in results {
            switch result.status {
            case .accepted: metrics.accepted.increment()
            case .duplicate: metrics.duplicate.increment()
            case .rejected: metrics.rejected.increment()
            }
        }
    }

    /// Writes a batch; one that a guilty message breaks is written in halves, down to that message alone.
    /// - Throws: only what concerns all of them: the database is away, or has too much to do.
    private func write(_ events: [InboundEvent], _ workspace: UUID) async throws -> [InboundResult] {
        do {
            return try await repeating(events, workspace)
        } catch let error as PostgresError where error.isWorthHalving {
            guard events.count > 1 else {
                if error.isTemporary { throw error }
                logger.error(
                    "an inbound message cannot be stored",
                    metadata: ["workspace": "\(workspace)", "error": "\(error)"])
                return [
                    InboundResult(
                        messageID: events[0].message.messageID, status: .rejected,
                        errors: [FieldError(pointer: "", code: "not-storable", detail: "The message cannot be stored.")]
                    )
                ]
            }
            let half = events.count / 2
            let first = try await write(Array(events[..<half]), workspace)
            return first + (try await write(Array(events[half...]), workspace))
        }
    }

    /// Collisions with another process, and a connection lost during commit, repeat the batch under the same request id.
    private func repeating(_ events: [InboundEvent], _ workspace: UUID) async throws -> [InboundResult] {
        let requestID = UUIDv7.make(at: Date())
        let probe = probe
        var attempt = 0
        while true {
            do {
                let results = try await store.write { tx in
                    let results = try tx.ingest(events, requestID: requestID, in: workspace)
                    probe("ingest.before_commit")
                    return results
                }
                probe("ingest.after_commit")
                return results
            } catch  where attempt < Self.maximumRepeats && Self.isWorthRepeating(error) {
                attempt += 1
                try await Task.sleep(for: .milliseconds(Double.random(in: 0...(5 * pow(2, Double(attempt))))))
            }
        }
    }

    /// Doubling from 10 ms, eight repeats end after about two and a half seconds.
    private static let maximumRepeats = 8

    private static func isWorthRepeating(_ error: any Error) -> Bool {
        if error is IngestRepeat { return true }
        guard let error = error as? PostgresError else { return false }
        return error.isCommitUnknown || error.sqlState == .uniqueViolation || error.isRetryable
    }
}
