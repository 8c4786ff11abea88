import Core
import Foundation
import HTTPTypes
import OrderedCollections
import Reports
import Store

/// Reports on demand, and what the scheduled jobs made.
struct ReportRoutes: Sendable {
    /// Reports computed at once: each holds a connection for as long as it takes, and messages must not wait for it.
    private static let maximumRunning = 2

    let store: Store
    let reports: ReportService
    private let admission = Admission(limit: maximumRunning)

    init(store: Store, reports: ReportService) {
        self.store = store
        self.reports = reports
    }

    var routes: [Route] {
        [
            Route(
                .get, "/v1/reports/{report}", "getReport", access: .requires(.read),
                query: ["from", "to", "time_zone", "group_by"], handler: report),
            Route(
                .get, "/v1/job-runs", "listJobRuns", access: .requires(.read),
                query: ["job", "status", "limit", "cursor"], handler: list),
            Route(.get, "/v1/job-runs/{job_run_id}", "getJobRun", access: .requires(.read), handler: get),
            Route(
                .get, "/v1/job-runs/{job_run_id}/result", "getJobRunResult", access: .requires(.read), handler: result),
        ]
    }

    /// Every file of `jobs` is a report, so that one is added without a rebuild.
    @Sendable private func report(_ request: APIRequest) async throws -> APIResponse {
        let workspace = try request.workspace()
        let name = try request.text("report")
        let parameters = try request.query { query in
            ReportParameters(
                from: query.optionalString("from"), to: query.optionalString("to"),
                timeZone: query.optionalString("time_zone"), groupBy: query.optionalString("group_by"))
        }
        let format = Self.format(request.headers)
        do {
            let report = try await admission.admit(always: false) {
                try await reports.report(name, workspace: workspace, parameters)
            }
            let response = APIResponse(body: .bytes(report.rendered(as: format), contentType: format.mediaType))
            return response.with(.vary, "Accept")
        } catch is JobNotFound {
            throw Problem.notFound("report")
        } catch let error as ReportParameterError {
            throw Problem(
                .badQuery, detail: "Query parameters are wrong.",
                errors: error.errors.map {
                    ProblemItem(.parameter(String($0.pointer.dropFirst())), code: $0.code, detail: $0.detail)
                })
        }
    }

    /// The first media type of `Accept` that reports are written in; JSON where none is.
    private static func format(_ headers: HTTPFields) -> ReportFormat {
        for value in headers[values: .accept] {
            for range in value.split(separator: ",") {
                switch range.split(separator: ";").first.map({ $0.filter { $0 != " " && $0 != "\t" }.lowercased() }) {
                case "text/csv": return .csv
                case "text/html": return .html
                case "application/json", "application/*", "*/*": return .json
                default: continue
                }
            }
        }
        return .json
    }

    @Sendable private func list(_ request: APIRequest) async throws -> APIResponse {
        let (job, status, page) = try request.query { query in
            (
                query.optionalString("job"), query.optionalEnumeration("status", JobRun.Status.self),
                query.page(key: .uuid)
            )
        }
        let rows = try await store.jobRuns(
            in: request.workspace(), job: job, status: status, before: page.after?.uuid(0), limit: page.fetchLimit)
        return page.response(rows, item: \.json) { [.uuid($0.id)] }
    }

    @Sendable private func get(_ request: APIRequest) async throws -> APIResponse {
        .ok(try await store.jobRun(request.uuid("job_run_id"), in: request.workspace()).json)
    }

    @Sendable private func result(_ request: APIRequest) async throws -> APIResponse {
        let (workspace, id) = (try request.workspace(), try request.uuid("job_run_id"))
        let run = try await store.jobRun(id, in: workspace)
        switch run.status {
        case .pending, .running:
            throw Problem.conflict(
                .jobRunning, "The job run has no result yet.", members: ["job_status": .string(run.status.rawValue)])
        case .failed: throw Problem.notFound("result: the job run failed")
        case .completed:
            let text = try await store.jobResult(id, in: workspace)
            return APIResponse(body: .bytes(Array(text.utf8), contentType: "application/json"))
        }
    }
}
