import Core
import Foundation
import Logging
import Postgres
import ServiceLifecycle
import Store
import Synchronization

/// How the worker works.
public struct WorkerConfiguration: Sendable {
    /// Mailbox rows taken in one transaction at most. Larger batches share a commit and the statements' fixed cost, smaller
    /// ones let others have their turn sooner: 400 take a tenth of a second, 100 cost the database a quarter more a run.
    public var batch = 400
    /// Seconds. Batches that take longer are made smaller, down to an eighth: their contacts, conversations and lines are
    /// locked meanwhile, and messages wait for them.
    public var batchTarget = 0.3
    /// Transactions at once; of one workspace's runs over all workers, and two at least (S12). Two keep a small database busy:
    /// one computes while the other commits.
    public var concurrency = 2
    /// How often due timers, marked lines and what a lost nudge was about are looked for: the guarantee behind the hints.
    public var pollInterval: Duration = .milliseconds(250)
    /// A line in which somebody waits is looked at again after so long without a mark.
    public var lineSweep: Double = 0.5

    public init() {}
}

/// Advances runs and serves lines. Any number of workers share one database; each may stop or die at any point.
///
/// Work is handed out by workspace in turn, so that one tenant's million waiting runs delay another's single message by one
/// batch (S12).
public final class Worker: Service {
    enum Work: Hashable, Sendable {
        case runs(UUID)
        case line(workspace: UUID, line: UUID)
    }

    let store: Store
    let configuration: WorkerConfiguration
    let logger: Logger
    let versions = WorkflowVersions()
    let queue = WorkQueue<Work>()
    let metrics = WorkerMetrics()
    /// Of runs.
    let batchSize: Mutex<BatchSize>
    /// Called where a crash test may want to stop the process; does nothing in production.
    let probe: @Sendable (String) -> Void

    public init(
        store: Store, configuration: WorkerConfiguration = WorkerConfiguration(), logger: Logger,
        probe: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        self.probe = probe
        let most = max(1, configuration.batch)
        batchSize = Mutex(BatchSize(max(1, most / 8)...most, target: configuration.batchTarget))
    }

    /// Works until shut down; what is under way then is finished.
    public func run() async throws {
        store.nudges.listen { [queue] nudges in
            for nudge in nudges { Self.work(for: nudge).map { queue.add($0) } }
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
    }

    static func work(for nudge: Nudge) -> Work? {
        switch nudge {
        case .runs(let workspace): .runs(workspace)
        case .line(let workspace, let line): .line(workspace: workspace, line: line)
        case .outbox, .jobs: nil
        }
    }

    private func takeTurns() async {
        while let turn = await queue.next() {
            let work = turn.key
            defer { turn.end() }
            do {
                switch work {
                case .runs(let workspace): try await advanceRuns(of: workspace, turn)
                case .line(let workspace, let line): try await serve(line, of: workspace)
                }
            } catch is CancellationError {
                return
            } catch {
                // The database is away or busy: what was due stays due, and the next look finds it again.
                if case .runs = work { metrics.runs.failures.increment() } else { metrics.lines.failures.increment() }
                logger.warning("work was put off", metadata: ["work": "\(work)", "error": "\(error)"])
                try? await Task.sleep(for: .milliseconds(Double.random(in: 50...250)))
            }
        }
    }

    /// Looks for work that nobody nudged about: timers that fell due, marks and messages of other processes.
    private func poll() async {
        while !queue.isClosed {
            do {
                try await look()
            } catch {
                logger.debug("looking for work failed", metadata: ["error": "\(error)"])
            }
            try? await cancelWhenGracefulShutdown { [configuration] in
                try await Task.sleep(for: configuration.pollInterval * Double.random(in: 0.8...1.2))
            }
        }
    }

    /// One look; also what tests call.
    public func look() async throws {
        // A batch that has waited for long, say for a line that somebody keeps, keeps its workspace from nobody.
        for row in try await store.read("workspaces_with_due_signals", []) {
            queue.add(.runs(try row.decode("id")), evenIfUnderWay: true)
        }
        for row in try await store.read("workspaces_with_due_lines", []) {
            let workspace: UUID = try row.decode("id")
            for line in try await store.read("lines_due", [workspace, configuration.lineSweep]) {
                queue.add(.line(workspace: workspace, line: try line.decode("id")))
            }
        }
    }
}
