import Core
import Foundation
import Logging
import Postgres
import Store

/// Gathers inbound messages of many callers into one transaction per workspace.
///
/// While one batch is in flight the next one gathers, so batching adds no waiting of its own: one message alone goes at
/// once, a hundred at the same time share one commit. A caller is answered when its messages are durable, and one guilty
/// message never fails its neighbours (S6).
public actor IngestCombiner: InboundAccepting {
    /// Messages in one transaction. Beyond a few hundred the gain per message is gone and the wait grows.
    public static let maximumBatch = 250
    /// Seconds. Who would have to wait for longer is told to come back: together with the request's own work this stays
    /// below two seconds, and memory stays bounded.
    public static let maximumWait = 1.0

    private struct Call {
        let events: [InboundEvent]
        let continuation: CheckedContinuation<[InboundResult], any Error>
    }

    private let store: Store
    private let logger: Logger
    private let metrics = IngestMetrics()
    /// Called where a crash test may want to stop the process; does nothing in production.
    private let probe: @Sendable (String) -> Void
    /// Messages that wait or are being written.
    private var waiting = 0
    /// Per workspace: the calls that gather while its batch is in flight. Present means in flight.
    private var gathering: [UUID: Gathering] = [:]

    private struct Gathering {
        var calls: [Call] = []
        /// Messages of these calls.
        var count = 0
        /// How long batches of the workspace take.
        var queue = BatchQueue(batch: maximumBatch)
        var batchBegan: ContinuousClock.Instant?

        /// Seconds until who comes now is served.
        var wait: Double { queue.wait(behind: count, age: batchAge) }

        private var batchAge: Double? { batchBegan.map { $0.duration(to: .now) / .seconds(1) } }

        mutating func add(_ call: Call) {
            calls.append(call)
            count += call.events.count
        }

        /// Takes out the calls of the next batch, which begins now.
        mutating func take() -> [Call] {
            var taken = 0
            var messages = 0
            while taken < calls.count, taken == 0 || messages + calls[taken].events.count <= maximumBatch {
                messages += calls[taken].events.count
                taken += 1
            }
            let batch = Array(calls[..<taken])
            calls.removeFirst(taken)
            count -= messages
            batchBegan = .now
            return batch
        }

        mutating func finished() {
            if let batchAge { queue.finished(after: batchAge) }
            batchBegan = nil
        }
    }

    public init(store: Store, logger: Logger, probe: @escaping @Sendable (String) -> Void = { _ in }) {
        self.store = store
        self.logger = logger
        self.probe = probe
    }

    public func accept(_ events: [InboundEvent], in workspace: UUID) async throws -> [InboundResult] {
        guard !events.isEmpty else { return [] }
        guard (gathering[workspace]?.wait ?? 0) <= Self.maximumWait else {
            throw PostgresError(.overloaded, message: "too many inbound messages wait")
        }
        wait(for: events.count)
        defer { wait(for: -events.count) }
        return try await withCheckedThrowingContinuation { continuation in
            let call = Call(events: events, continuation: continuation)
            let isFirst = gathering[workspace] == nil
            gathering[workspace, default: Gathering()].add(call)
            if isFirst { Task { await self.drain(workspace) } }
        }
    }

    private func wait(for messages: Int) {
        waiting += messages
        metrics.waiting.set(waiting)
    }

    /// Sends batch after batch until nobody of the workspace waits. A batch is of many callers, so it runs on behalf of
    /// none of them, and not under the context of the one who happened to come first.
    private func drain(_ workspace: UUID) async {
        let access = AccessContext(workspace: workspace, actor: Actor(kind: "contact"))
        await AccessContext.$current.withValue(access) { await sendAll(of: workspace) }
    }

    private func sendAll(of workspace: UUID) async {
        while let calls = gathering[workspace]?.take(), !calls.isEmpty {
            await send(calls, workspace)
            gathering[workspace]?.finished()
        }
        gathering[workspace] = nil
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
