import Core
import Foundation
import Logging
import ServiceLifecycle
import Store

/// Runs the scheduled jobs of every workspace: each window once, whatever crashes and however many schedulers there are.
///
/// A window is a row of `job_runs`, planned when it begins and due when its schedule says. Whoever claims it holds a lease and
/// renews it while the job runs; when that is over the run is due again, and what its late owner writes changes nothing.
public final class Scheduler: Service {
    public struct Configuration: Sendable {
        /// Between two looks for what is due.
        public var interval: Duration = .seconds(15)
        /// Seconds until a claimed run is thought abandoned, unless its owner renews the lease in time.
        public var lease: TimeInterval = 60
        /// Between two renewals: two may fail before the lease is over.
        public var renewal: Duration = .seconds(20)
        /// A run is taken so often, then it is failed.
        public var maximumAttempts = 5
        /// Between attempts.
        public var backoff = Backoff(base: 30, cap: 3600, lifetime: 86_400)
        /// After a longer downtime older windows are not made up for.
        public var catchUpDays = 31

        public init() {}
    }

    /// What one pass did.
    public struct Pass: Sendable, Hashable {
        public var planned = 0
        public var completed = 0
        /// Failed, to be tried again.
        public var retried = 0
        public var failed = 0
        /// Taken over by somebody else meanwhile.
        public var lost = 0
    }

    private let store: Store
    private let jobs: JobLibrary
    private let runner: ReportRunner
    private let configuration: Configuration
    private let logger: Logger
    /// In place of the database's clock; for tests.
    private let clock: (@Sendable () -> Date)?
    private let owner = UUID()
    private let metrics = SchedulerMetrics()

    public convenience init(
        store: Store, jobs: JobLibrary, runner: ReportRunner, configuration: Configuration = Configuration(),
        logger: Logger
    ) {
        self.init(
            store: store, jobs: jobs, runner: runner, configuration: configuration, logger: logger, clock: nil)
    }

    init(
        store: Store, jobs: JobLibrary, runner: ReportRunner, configuration: Configuration, logger: Logger,
        clock: (@Sendable () -> Date)?
    ) {
        self.store = store
        self.jobs = jobs
        self.runner = runner
        self.configuration = configuration
        self.logger = logger
        self.clock = clock
    }

    /// Passes until the service is shut down; a run under way is ended first. An error is logged and the next pass tries
    /// again.
    public func run() async throws {
        for problem in jobs.problems {
            logger.error("job file is broken and left out", metadata: ["problem": "\(problem)"])
        }
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            do {
                let pass = try await runOnce()
                if pass != Pass() {
                    logger.info(
                        "jobs run",
                        metadata: [
                            "planned": "\(pass.planned)", "completed": "\(pass.completed)",
                            "retried": "\(pass.retried)",
                            "failed": "\(pass.failed)", "lost": "\(pass.lost)",
                        ])
                }
            } catch {
                logger.warning("scheduler pass failed", metadata: ["error": "\(error)"])
            }
            // Spread over a quarter, so that schedulers started together do not look together for ever.
            let pause = configuration.interval * Double.random(in: 0.875...1.125)
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) }
        }
    }

    /// Plans what is to be planned and runs what is due; workspaces take turns, one run each.
    @discardableResult
    public func runOnce() async throws -> Pass {
        let scheduled = jobs.jobs.filter { $0.schedule != nil }
        var pass = Pass()
        for workspace in try await store.workspacesToPlan(for: scheduled.map(\.name), at: clock?()) {
            pass.planned += try await plan(scheduled, for: workspace)
        }
        let names = jobs.jobs.map(\.name)
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let due = try await store.workspacesWithDueJobRuns(of: names, at: clock?())
            var tookAny = false
            for workspace in due where !Task.isShuttingDownGracefully {
                tookAny = try await runNext(of: names, in: workspace, &pass) || tookAny
            }
            if !tookAny { break }
        }
        return pass
    }

    private func plan(_ scheduled: [Job], for workspace: UUID) async throws -> Int {
        let now = clock?()
        return try await store.write { [configuration, logger] transaction in
            guard
                let calendar = try transaction.jobCalendar(of: workspace, for: scheduled.map(\.name), at: now)
            else { return 0 }
            guard let zone = LocalZone(identifier: calendar.timeZone) else {
                logger.error(
                    "workspace has an unknown time zone; its jobs are not scheduled",
                    metadata: ["workspace_id": "\(workspace)", "time_zone": "\(calendar.timeZone)"])
                return 0
            }
            var runs: [PlannedJobRun] = []
            for job in scheduled {
                guard let timeOfDay = job.schedule else { continue }
                let schedule = DailySchedule(timeOfDay: timeOfDay, catchUpDays: configuration.catchUpDays)
                let windows = schedule.windows(
                    plannedUntil: calendar.plannedUntil[job.name], createdAt: calendar.createdAt, zone: zone,
                    now: calendar.now)
                runs += windows.map {
                    PlannedJobRun(
                        job: job.name, window: $0.instants, timeZone: zone.identifier, scheduled: true, dueAt: $0.dueAt)
                }
            }
            return try transaction.enqueueJobRuns(runs, in: workspace).count
        }
    }

    /// - Returns: whether there was one.
    private func runNext(of names: [String], in workspace: UUID, _ pass: inout Pass) async throws -> Bool {
        let (owner, lease, claimedAt) = (owner, configuration.lease, clock?())
        let claimed = try await store.write {
            try $0.claimJobRun(of: names, in: workspace, owner: owner, lease: lease, at: claimedAt)
        }
        guard let claimed else { return false }
        let began = ContinuousClock.now
        defer { metrics.run.record(duration: ContinuousClock.now - began) }
        let outcome: Result<JSON, any Error>
        do {
            // The others that took it never came back to say why.
            if claimed.attempts > configuration.maximumAttempts {
                throw AbandonedJobRun(attempts: claimed.attempts - 1)
            }
            outcome = .success(
                try await renewing(claimed, in: workspace) { try await self.result(of: claimed, in: workspace) })
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            outcome = .failure(error)
        }
        try await settle(claimed, outcome, in: workspace, &pass)
        return true
    }

    /// Does `body` while the lease is renewed: so it is short, and long jobs keep it.
    private func renewing<Value: Sendable>(
        _ run: JobRun, in workspace: UUID, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await self.renew(run, in: workspace)
                return nil
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    /// Until cancelled, or until the run is somebody else's. What fails is tried again at the next turn.
    private func renew(_ run: JobRun, in workspace: UUID) async {
        let (owner, lease) = (owner, configuration.lease)
        while (try? await Task.sleep(for: configuration.renewal)) != nil {
            let now = clock?()
            let isOurs = try? await store.write {
                try $0.renewJobRun(run, in: workspace, owner: owner, lease: lease, at: now)
            }
            if isOurs == false { return }
        }
    }

    /// Every grouping of the job over the run's window, as one object.
    private func result(of run: JobRun, in workspace: UUID) async throws -> JSON {
        let job = try jobs.job(run.job)
        guard let zone = LocalZone(identifier: run.timeZone),
            let window = ReportWindow(instants: run.window, zone: zone)
        else { throw ReportShapeError(job: run.job, reason: "its window or zone is not valid") }
        return Report.combined(try await runner.runAll(job, workspace: workspace, window: window))
    }

    private func settle(
        _ run: JobRun, _ outcome: Result<JSON, any Error>, in workspace: UUID, _ pass: inout Pass
    ) async throws {
        let (owner, now) = (owner, clock?())
        switch outcome {
        case .success(let result):
            let isOurs = try await store.write {
                try $0.finishJobRun(run, in: workspace, owner: owner, result: result, at: now)
            }
            if isOurs { pass.completed += 1 } else { pass.lost += 1 }
            (isOurs ? metrics.completed : metrics.lost).increment()
        case .failure(let error):
            let isLast = run.attempts >= configuration.maximumAttempts
            let delay = configuration.backoff.delay(afterFailures: run.attempts, jitter: .random(in: 0..<1))
            let reason = "\(error)"
            logger.error(
                "job run failed",
                metadata: [
                    "workspace_id": "\(workspace)", "job": "\(run.job)", "job_run_id": "\(run.id)",
                    "attempt": "\(run.attempts)", "error": "\(reason)",
                ])
            let isOurs = try await store.write {
                try $0.failJobRun(
                    run, in: workspace, owner: owner, reason: reason, retryAfter: isLast ? nil : delay, at: now)
            }
            if !isOurs { pass.lost += 1 } else if isLast { pass.failed += 1 } else { pass.retried += 1 }
            (isOurs ? isLast ? metrics.failed : metrics.retried : metrics.lost).increment()
        }
    }
}

/// A run whose owners were gone before they ended it, every time.
struct AbandonedJobRun: Error, CustomStringConvertible {
    let attempts: Int
    var description: String { "given up: taken \(attempts) times, and nobody came back with a result or an error" }
}

extension Report {
    /// Reports of one job and window under the names of their groupings, with the total that they share.
    static func combined(_ reports: [Report]) -> JSON {
        guard let first = reports.first else { return [:] }
        var members: [(String, JSON)] = [
            ("job", .string(first.job.name)), ("title", .string(first.job.title)), ("window", first.window.json),
            ("time_zone", .string(first.window.zone.identifier)), ("generated_at", .instant(first.generatedAt)),
            ("total", first.totalJSON),
        ]
        members.append(
            (
                "rows_by",
                JSON(
                    fields: reports.map { report in (report.grouping.name, .array(report.rows.map(report.json(of:)))) })
            ))
        return JSON(fields: members)
    }
}
