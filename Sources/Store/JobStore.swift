import Core
import Foundation
import Postgres

/// One execution of a job over one window.
public struct JobRun: Sendable, Hashable {
    public enum Status: String, Sendable, CaseIterable {
        /// Planned; due at `dueAt`.
        case pending
        /// Somebody has it until `dueAt`; then it is due again.
        case running
        case completed
        /// Given up; `error` says why.
        case failed
    }

    public let id: UUID
    public let job: String
    /// The half-open period that the job covers.
    public let window: Range<Date>
    /// The IANA zone of the window's days.
    public let timeZone: String
    /// Whether the schedule asked for it: once per window then.
    public let scheduled: Bool
    public let status: Status
    /// How often it was taken.
    public let attempts: Int
    /// Counts the takings; what is written with an older one changes nothing.
    public let epoch: Int64
    public let dueAt: Date
    public let error: String?
    public let createdAt: Date
    public let startedAt: Date?
    public let finishedAt: Date?

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        job = try row.decode("job")
        let from: Date = try row.decode("window_from")
        window = from..<max(from, try row.decode("window_to"))
        timeZone = try row.decode("time_zone")
        scheduled = try row.decode("scheduled")
        status = Status(rawValue: try row.decode("status")) ?? .pending
        attempts = try row.decode("attempts")
        epoch = try row.decode("epoch")
        dueAt = try row.decode("next_at")
        error = try row.decode("error")
        createdAt = try row.decode("created_at")
        startedAt = try row.decode("started_at")
        finishedAt = try row.decode("finished_at")
    }

    /// As the API shows it.
    public var json: JSON {
        JSON(fields: [
            ("id", .id(id)), ("job", .string(job)), ("status", .string(status.rawValue)),
            ("window", ["from": .instant(window.lowerBound), "to": .instant(window.upperBound)]),
            ("time_zone", .string(timeZone)), ("scheduled", .bool(scheduled)), ("attempts", .integer(Int64(attempts))),
            ("due_at", .instant(dueAt)), ("error", .text(error)), ("created_at", .instant(createdAt)),
            ("started_at", .instant(startedAt)), ("finished_at", .instant(finishedAt)),
        ])
    }
}

/// A window of a job that is to run at a time.
public struct PlannedJobRun: Sendable, Hashable {
    public var job: String
    public var window: Range<Date>
    public var timeZone: String
    public var scheduled: Bool
    public var dueAt: Date

    public init(job: String, window: Range<Date>, timeZone: String, scheduled: Bool, dueAt: Date) {
        self.job = job
        self.window = window
        self.timeZone = timeZone
        self.scheduled = scheduled
        self.dueAt = dueAt
    }
}

/// What planning needs to know of a workspace, read under its lock.
public struct JobCalendar: Sendable {
    public let timeZone: String
    public let createdAt: Date
    public let now: Date
    /// Where the last scheduled window of each job ended.
    public let plannedUntil: [String: Date]
}

extension Store {
    /// Job runs, newest first.
    /// - Parameters:
    ///   - before: the last id of the page before.
    ///   - limit: at most so many; ask for one more than is shown to learn whether there are more.
    public func jobRuns(
        in workspace: UUID, job: String? = nil, status: JobRun.Status? = nil, before: UUID? = nil, limit: Int
    ) async throws -> [JobRun] {
        try await read("job_runs_list", [workspace, job, status?.rawValue, before, limit]).map(JobRun.init(row:))
    }

    /// - Throws: `StoreError.notFound`.
    public func jobRun(_ id: UUID, in workspace: UUID) async throws -> JobRun {
        guard let row = try await read("job_run_get", [workspace, id]).first else {
            throw StoreError.notFound(what: "job run")
        }
        return try JobRun(row: row)
    }

    /// What a completed run stored, as JSON text.
    /// - Throws: `StoreError.notFound` when there is no such run, or no result of it (yet).
    public func jobResult(_ id: UUID, in workspace: UUID) async throws -> String {
        guard let row = try await read("job_result_get", [workspace, id]).first else {
            _ = try await jobRun(id, in: workspace)
            throw StoreError.notFound(what: "job result")
        }
        return try row.decode("result")
    }

    /// The workspaces in which one of these scheduled jobs lacks a window that reaches beyond now.
    public func workspacesToPlan(for jobs: [String], at now: Date?) async throws -> [UUID] {
        try await read("job_workspaces_unplanned", [jobs, now]).decode("id")
    }

    /// The workspaces in which a run of one of these jobs is due.
    public func workspacesWithDueJobRuns(of jobs: [String], at now: Date?) async throws -> [UUID] {
        try await read("job_workspaces_due", [jobs, now]).decode("workspace_id")
    }
}

extension StoreTransaction {
    /// Locks the workspace against other planners and tells what has been planned for `jobs`; nil without the workspace.
    /// - Parameter now: in place of the database's clock.
    public func jobCalendar(of workspace: UUID, for jobs: [String], at now: Date?) throws -> JobCalendar? {
        guard let row = try query("job_workspace_lock", [workspace, now]).first else { return nil }
        var plannedUntil: [String: Date] = [:]
        for last in try query("job_windows_last", [workspace, jobs]) {
            plannedUntil[try last.decode("job")] = try last.decode("window_to", as: Date?.self)
        }
        return JobCalendar(
            timeZone: try row.decode("time_zone"), createdAt: try row.decode("created_at"), now: try row.decode("now"),
            plannedUntil: plannedUntil)
    }

    /// Adds runs; a scheduled window that is there already is left as it is.
    /// - Returns: the ids of those added.
    public func enqueueJobRuns(_ runs: [PlannedJobRun], in workspace: UUID) throws -> [UUID] {
        guard !runs.isEmpty else { return [] }
        nudge(.jobs(workspace: workspace))
        return try query(
            "job_runs_enqueue",
            [
                workspace, runs.map { _ in newID() }, runs.map(\.job), runs.map(\.window.lowerBound),
                runs.map(\.window.upperBound), runs.map(\.timeZone), runs.map(\.scheduled), runs.map(\.dueAt),
            ]
        ).decode("id")
    }

    /// Takes one due run of these jobs, or one whose owner is gone, for `lease` seconds.
    public func claimJobRun(
        of jobs: [String], in workspace: UUID, owner: UUID, lease: TimeInterval, at now: Date?
    ) throws -> JobRun? {
        try query("job_run_claim", [workspace, owner, jobs, now, lease]).first.map(JobRun.init(row:))
    }

    /// A lease of so many seconds from now.
    /// - Returns: whether the run is still ours.
    public func renewJobRun(
        _ run: JobRun, in workspace: UUID, owner: UUID, lease: TimeInterval, at now: Date?
    ) throws -> Bool {
        try query("job_run_renew", [workspace, run.id, owner, run.epoch, now, lease]).affected == 1
    }

    /// Stores the result and completes the run, both or neither.
    /// - Returns: false when the run is somebody else's by now; nothing is changed then.
    public func finishJobRun(
        _ run: JobRun, in workspace: UUID, owner: UUID, result: JSON, at now: Date?
    ) throws -> Bool {
        guard try query("job_run_finish", [workspace, run.id, owner, run.epoch, now]).affected == 1 else {
            return false
        }
        try send("job_result_insert", [workspace, run.id, result.text])
        return true
    }

    /// Notes why the run failed; it is due again after `retryAfter` seconds, or given up when that is nil.
    /// - Returns: false when the run is somebody else's by now; nothing is changed then.
    public func failJobRun(
        _ run: JobRun, in workspace: UUID, owner: UUID, reason: String, retryAfter: TimeInterval?, at now: Date?
    ) throws -> Bool {
        try query("job_run_fail", [workspace, run.id, owner, run.epoch, reason, retryAfter, now]).affected == 1
    }
}
