import Core
import Foundation
import Store

/// Reports on demand: what the API and `switchboard jobs` ask for.
public struct ReportService: Sendable {
    private let store: Store
    public let jobs: JobLibrary
    private let runner: ReportRunner

    public init(store: Store, jobs: JobLibrary, runner: ReportRunner) {
        self.store = store
        self.jobs = jobs
        self.runner = runner
    }

    /// The report of a job for a workspace.
    /// - Throws: `JobNotFound`; `ReportParameterError` with every wrong parameter; `StoreError.notFound` for the workspace;
    ///   `TooManyJobRows`; `ReportShapeError`; `PostgresError`.
    public func report(_ job: String, workspace: UUID, _ parameters: ReportParameters) async throws -> Report {
        let job = try jobs.job(job)
        let zone = try await store.workspace(workspace).timeZone
        let (window, grouping) = try parameters.resolved(for: job, workspaceZone: zone)
        return try await runner.run(job, workspace: workspace, window: window, grouping: grouping)
    }

    /// The same for a workspace told by its name or id, written in a format: `switchboard jobs run`.
    public func run(
        _ job: String, workspace: String, _ parameters: ReportParameters, as format: ReportFormat
    ) async throws -> [UInt8] {
        _ = try jobs.job(job)
        return try await report(job, workspace: workspaceID(workspace), parameters).rendered(as: format)
    }

    private func workspaceID(_ nameOrID: String) async throws -> UUID {
        if let id = UUID(uuidString: nameOrID) { return id }
        guard let workspace = try await store.workspace(named: nameOrID) else {
            throw StoreError.notFound(what: "workspace")
        }
        return workspace.id
    }

    /// What `switchboard jobs list` shows, a line for each job, then what is wrong with broken files.
    public var listing: String {
        let width = jobs.jobs.map(\.name.count).max() ?? 0
        var lines = jobs.jobs.map { job in
            let name = job.name.padding(toLength: width, withPad: " ", startingAt: 0)
            return "\(name)  \(job.scheduleText)  \(job.title). \(job.description)"
        }
        lines += jobs.problems.map { "broken: \($0)" }
        return lines.joined(separator: "\n")
    }
}

extension Job {
    /// `daily 00:15` in the workspace's zone, or `on demand  `.
    public var scheduleText: String {
        guard let schedule else { return "on demand  " }
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        return "daily \(two(schedule / 3600)):\(two(schedule / 60 % 60))"
    }
}
