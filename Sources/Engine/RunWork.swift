import Core
import Foundation
import Logging
import Postgres
import Store
import Synchronization

extension Worker {
    /// Takes one batch of a workspace's due runs. When there may be more, the workspace goes to the end of the queue as soon as
    /// that is known; otherwise what comes meanwhile gathers for the next batch, since two small ones cost more than one.
    func advanceRuns(of workspace: UUID, _ turn: WorkQueue<Work>.Turn) async throws {
        do {
            let queue = queue
            let limit = batchSize.withLock(\.current)
            let outcome = try await write(limit: limit, turns: turns, workspace) { _, isFull in
                guard isFull else { return }
                queue.add(.runs(workspace), evenIfUnderWay: true)
                turn.end()
            }
            // Whom the second batch was refused (S12) has a turn again.
            if outcome.isFull { queue.add(.runs(workspace)) }
        } catch let error as PostgresError where error.isWorthHalving {
            logger.warning(
                "a batch of runs cannot be written, halving it",
                metadata: ["workspace": "\(workspace)", "error": "\(error)"])
            try await isolate(workspace)
        }
    }

    /// How many batches of a workspace may be under way, over all workers. Two at least: one computes while the other commits.
    private var turns: Int { max(2, configuration.concurrency) }

    /// One batch; where somebody keeps a line for too long, once more without waiting for lines, so that a worker that is
    /// stuck with one keeps nobody else from working. The second try begins however many are under way.
    private func write(
        limit: Int, turns: Int, _ workspace: UUID,
        claimed: @escaping @Sendable (_ runs: [UUID], _ isFull: Bool) -> Void
    ) async throws -> RunBatchOutcome {
        do {
            return try await write(limit: limit, turns: turns, waitsForLines: true, workspace, claimed)
        } catch let error as PostgresError where error.isWaitForLine {
            return try await write(limit: limit, turns: .max, waitsForLines: false, workspace, claimed)
        }
    }

    private func write(
        limit: Int, turns: Int, waitsForLines: Bool, _ workspace: UUID,
        _ claimed: @escaping @Sendable ([UUID], Bool) -> Void
    ) async throws -> RunBatchOutcome {
        let (versions, probe) = (versions, probe)
        let began = ContinuousClock.now
        let (outcome, done) = try await store.write { tx in
            let outcome = try tx.workRuns(
                limit: limit, turns: turns, versions: versions, waitsForLines: waitsForLines, in: workspace,
                claimed: claimed)
            if outcome.advanced > 0 { probe("run.before_commit") }
            return (outcome, ContinuousClock.now)
        }
        batchSize.withLock { $0.finished(outcome.advanced, after: began.duration(to: .now) / .seconds(1)) }
        count(outcome, done)
        return outcome
    }

    /// - Parameter done: when the commit began.
    private func count(_ outcome: RunBatchOutcome, _ done: ContinuousClock.Instant) {
        guard outcome.advanced > 0 else { return }
        metrics.runs.claim.record(duration: outcome.claimed)
        metrics.runs.commit.record(since: done)
        metrics.batch.record(outcome.advanced)
        metrics.started.increment(by: outcome.started)
        for (status, count) in outcome.ended { metrics.ended(status, count) }
    }

    /// Finds the run that breaks a batch: smaller and smaller batches pass around it, and it alone is counted as failed.
    private func isolate(_ workspace: UUID) async throws {
        var limit = max(1, configuration.batch / 2)
        // Remembered, since by the time a failure is counted another run may stand at the head.
        let last = LastRun()
        while true {
            do {
                let outcome = try await write(limit: limit, turns: .max, workspace) { runs, _ in last.set(runs.last) }
                if !outcome.isFull { return }
                queue.add(.runs(workspace))
                return
            } catch let error as PostgresError where error.isWorthHalving {
                if limit > 1 {
                    limit /= 2
                    continue
                }
                // Nothing could even be taken, or the server had no time: no run is to blame, and whoever called waits
                // before the next try.
                guard let run = last.run, !error.isTemporary else { throw error }
                try await noteFailure(run, workspace, error)
                queue.add(.runs(workspace))
                return
            }
        }
    }

    /// A run that could not be written is tried again later, five times in all (S13).
    private func noteFailure(_ run: UUID, _ workspace: UUID, _ error: PostgresError) async throws {
        let jitter = Double.random(in: 0.5...1.5)
        let failed = try await store.write {
            try $0.noteFailure(ofRun: run, reason: "\(error)", jitter: jitter, in: workspace)
        }
        if let failed {
            logger.error("a run cannot be written", metadata: ["run": "\(failed)", "error": "\(error)"])
        }
    }

    /// Serves one batch of a line; when more can be served at once, the line goes to the end of the queue.
    func serve(_ line: UUID, of workspace: UUID) async throws {
        let probe = probe
        let (turn, done) = try await store.write { tx in
            let turn = try tx.serveLine(line, in: workspace)
            probe("line.before_commit")
            return (turn, ContinuousClock.now)
        }
        if turn.served > 0 {
            metrics.lines.commit.record(since: done)
            metrics.served.increment(by: turn.served)
        }
        switch turn {
        case .settled: return
        case .more: break
        case .blocked:
            // Whoever holds the line, or the first in it, commits within milliseconds.
            try await Task.sleep(for: .milliseconds(Double.random(in: 4...16)))
        }
        queue.add(.line(workspace: workspace, line: line))
    }
}

/// The run that a transaction of one run took last; it fails after its body, so that the body cannot return it.
private final class LastRun: Sendable {
    private let value = Mutex<UUID?>(nil)

    var run: UUID? { value.withLock { $0 } }

    func set(_ run: UUID?) { value.withLock { $0 = run ?? $0 } }
}
