import Core
import Foundation
import Store

/// Runs jobs: read-only, on one snapshot, within a time of their own.
public struct ReportRunner: Sendable {
    private let store: Store
    /// Seconds that one SELECT may take.
    public let timeout: TimeInterval
    /// Rows are held in memory; a job that gives more fails.
    public let rowLimit: Int

    public init(store: Store, timeout: TimeInterval = 120, rowLimit: Int = 100_000) {
        self.store = store
        self.timeout = timeout
        self.rowLimit = rowLimit
    }

    /// The job's report over the window, grouped one way.
    /// - Throws: `PostgresError`; `TooManyJobRows`; `ReportShapeError`; `ReportParameterError` for a zone that the database
    ///   does not know.
    public func run(_ job: Job, workspace: UUID, window: ReportWindow, grouping: Job.Grouping) async throws -> Report {
        let reports = try await run(job, workspace: workspace, window: window, groupings: [grouping])
        guard let report = reports.first else { throw ReportShapeError(job: job.name, reason: "it gives no report") }
        return report
    }

    /// The job's reports over the window, grouped each way that it knows, all of the same snapshot.
    public func runAll(_ job: Job, workspace: UUID, window: ReportWindow) async throws -> [Report] {
        try await run(job, workspace: workspace, window: window, groupings: job.groupings)
    }

    private func run(
        _ job: Job, workspace: UUID, window: ReportWindow, groupings: [Job.Grouping]
    ) async throws -> [Report] {
        let queries = groupings.map { job.query(workspace: workspace, window: window, grouping: $0) }
        let tables: [JobTable]
        do {
            tables = try await store.snapshot(queries, timeout: timeout, rowLimit: rowLimit)
        } catch StoreError.invalid(let errors) {
            throw ReportParameterError(errors: errors)
        }
        let now = Date()
        return try zip(groupings, tables).map { grouping, table in
            try Report(job: job, window: window, grouping: grouping, table: table, generatedAt: now)
        }
    }
}
