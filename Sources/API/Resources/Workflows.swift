import Core
import Foundation
import HTTPTypes
import Store

/// Workflows: saved as a whole, published as immutable versions (S26).
struct WorkflowRoutes: Sendable {
    let store: Store

    var routes: [Route] {
        let one = "/v1/workflows/{workflow_id}"
        return [
            Route(
                .get, "/v1/workflows", "listWorkflows", access: .requires(.read), query: ["status", "limit", "cursor"],
                handler: list),
            Route(.post, "/v1/workflows", "createWorkflow", access: .requires(.manage), handler: create),
            Route(.get, one, "getWorkflow", access: .requires(.read), handler: get),
            Route(.patch, one, "updateWorkflow", access: .requires(.manage), handler: patch),
            Route(.delete, one, "deleteWorkflow", access: .requires(.manage), handler: delete),
            Route(.post, one + "/publish", "publishWorkflow", access: .requires(.manage), handler: publish),
            Route(.post, one + "/stop", "stopWorkflow", access: .requires(.manage), handler: stop),
            Route(
                .get, one + "/versions", "listWorkflowVersions", access: .requires(.read), query: ["limit", "cursor"],
                handler: versions),
            Route(.get, one + "/versions/{version}", "getWorkflowVersion", access: .requires(.read), handler: version),
        ]
    }

    @Sendable private func list(_ request: APIRequest) async throws -> APIResponse {
        let (status, page) = try request.query { query in
            (query.optionalEnumeration("status", WorkflowRecord.Status.self), query.page(key: .uuid))
        }
        let rows = try await store.workflows(
            status: status, after: page.after?.uuid(0), limit: page.fetchLimit, in: request.workspace())
        return page.response(rows, item: \.json) { [.uuid($0.id)] }
    }

    @Sendable private func create(_ request: APIRequest) async throws -> APIResponse {
        let workspace = try request.workspace()
        let document = try WorkflowDocument(request.json())
        return try await request.once(store) { transaction in
            let workflow = try transaction.createWorkflow(document, in: workspace)
            return StoredAnswer(
                status: 201, body: workflow.json, location: "/v1/workflows/\(workflow.id.lowercased)")
        }
    }

    @Sendable private func get(_ request: APIRequest) async throws -> APIResponse {
        .ok(try await store.workflow(request.uuid("workflow_id"), in: request.workspace()).json)
    }

    @Sendable private func patch(_ request: APIRequest) async throws -> APIResponse {
        let workspace = try request.workspace()
        let id = try request.uuid("workflow_id")
        let patch = try request.json()
        let precondition = try request.precondition(\WorkflowRecord.json)
        return .ok(
            try await store.write { try $0.patchWorkflow(id, patch, if: precondition, in: workspace) }.json)
    }

    @Sendable private func delete(_ request: APIRequest) async throws -> APIResponse {
        let workspace = try request.workspace()
        let id = try request.uuid("workflow_id")
        let precondition = try request.precondition(\WorkflowRecord.json)
        try await store.write { try $0.deleteWorkflow(id, if: precondition, in: workspace) }
        return .noContent
    }

    @Sendable private func publish(_ request: APIRequest) async throws -> APIResponse {
        let workspace = try request.workspace()
        let id = try request.uuid("workflow_id")
        try request.objectIfPresent { _ in () }
        return try await request.once(store) {
            StoredAnswer(status: 200, body: try $0.publishWorkflow(id, in: workspace).json)
        }
    }

    /// What becomes of the runs of a workflow that is stopped.
    private enum LivingRuns: String, CaseIterable {
        case `continue`, end
    }

    @Sendable private func stop(_ request: APIRequest) async throws -> APIResponse {
        let workspace = try request.workspace()
        let id = try request.uuid("workflow_id")
        let runs = try request.objectIfPresent { .some($0.optionalEnumeration("runs", LivingRuns.self)) }
        let response = try await request.once(store) {
            StoredAnswer(status: 200, body: try $0.stopWorkflow(id, in: workspace).json)
        }
        // After the stop has committed nothing new appears behind the walk. A repetition walks again, since the first
        // request may have been killed on the way; but not once somebody has made the workflow live again.
        if runs == .end, try await !isLive(id, in: workspace) {
            try await store.endRuns(ofWorkflow: id, in: workspace)
        }
        return response
    }

    private func isLive(_ id: UUID, in workspace: UUID) async throws -> Bool {
        do {
            return try await store.workflow(id, in: workspace).status == .published
        } catch StoreError.notFound {
            // Deleted since, and so stopped.
            return false
        }
    }

    @Sendable private func versions(_ request: APIRequest) async throws -> APIResponse {
        let page = try request.query { $0.page(key: .integer) }
        let rows = try await store.versions(
            ofWorkflow: request.uuid("workflow_id"), before: page.after?.integer(0), limit: page.fetchLimit,
            in: request.workspace())
        return page.response(rows, item: \.json) { [.integer($0.version)] }
    }

    @Sendable private func version(_ request: APIRequest) async throws -> APIResponse {
        // Within the column's range; beyond it there is no such version.
        guard let number = Int32(try request.text("version")), number >= 1 else { throw Problem.notFound("version") }
        let version = try await store.version(
            Int(number), ofWorkflow: request.uuid("workflow_id"), in: request.workspace())
        return .ok(version.json)
    }
}

extension WorkflowRecord {
    /// As the API shows it.
    var json: JSON {
        JSON(fields: [
            ("id", .id(id)), ("name", .string(name)), ("description", .text(description)),
            ("status", .string(status.rawValue)), ("version", liveVersion.map { .integer(Int64($0)) } ?? .null),
            ("changed", .bool(changed)), ("trigger", definition["trigger"] ?? .null),
            ("start", definition["start"] ?? .null), ("steps", definition["steps"] ?? .array([])),
            ("created_at", .instant(createdAt)), ("updated_at", .instant(updatedAt)),
        ])
    }
}

extension WorkflowVersionRecord {
    /// As the API shows it.
    var json: JSON {
        JSON(fields: [
            ("version", .integer(Int64(version))), ("published_at", .instant(publishedAt)),
            ("trigger", definition["trigger"] ?? .null), ("start", definition["start"] ?? .null),
            ("steps", definition["steps"] ?? .array([])),
        ])
    }
}
