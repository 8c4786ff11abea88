import Core
import Foundation
import HTTPTypes
import Store

/// `/v1/workspaces`: tenants, by operator key.
struct WorkspaceRoutes: Sendable {
    let store: Store

    var routes: [Route] {
        [
            Route(
                .get, "/v1/workspaces", "listWorkspaces", access: .requires(.operate), query: ["limit", "cursor"]
            ) { request in
                let page = try request.query { $0.page(key: .uuid) }
                let rows = try await store.workspaces(after: page.after?.uuid(0), limit: page.fetchLimit)
                return page.response(rows, item: \.json, key: { [.uuid($0.id)] })
            },
            Route(.post, "/v1/workspaces", "createWorkspace", access: .requires(.operate)) { request in
                let (name, zone) = try request.object { reader -> (String, String)? in
                    let name = reader.required("name", .name)
                    let zone = reader.required("time_zone", .timeZone)
                    guard let name, let zone else { return nil }
                    return (name, zone)
                }
                return try await request.once(store) { transaction in
                    let (workspace, key) = try transaction.createWorkspace(name: name, timeZone: zone)
                    return StoredAnswer(
                        status: 201, body: workspace.json, secret: .init(member: "key", value: key),
                        location: "/v1/workspaces/\(workspace.id.lowercased)")
                }
            },
            Route(.get, "/v1/workspaces/{workspace_id}", "getWorkspace", access: .requires(.operate)) { request in
                .ok(try await store.workspace(request.uuid("workspace_id")).json)
            },
            Route(.patch, "/v1/workspaces/{workspace_id}", "updateWorkspace", access: .requires(.operate)) { request in
                let id = try request.uuid("workspace_id")
                let patch = try request.object { reader in
                    WorkspacePatch(
                        name: reader.patchRequired("name", .name),
                        timeZone: reader.patchRequired("time_zone", .timeZone),
                        closingNote: reader.patchRequired("closing_note", .enumeration()),
                        requireIfMatch: reader.patchRequired("require_if_match", .bool),
                        rateLimit: reader.patch("rate_limit", .rateLimit))
                }
                let precondition = try request.precondition(\Workspace.json)
                return .ok(try await store.write { try $0.updateWorkspace(id, patch, if: precondition) }.json)
            },
            Route(
                .post, "/v1/workspaces/{workspace_id}/keys", "createOwnerKey", access: .requires(.operate)
            ) { request in
                let id = try request.uuid("workspace_id")
                let name = try request.object { $0.required("name", .name) }
                return try await request.once(store) { transaction in
                    let (key, token) = try transaction.createOwnerKey(name: name, in: id)
                    return StoredAnswer(
                        status: 201, body: key.json, secret: .init(member: "key", value: token),
                        location: "/v1/api-keys/\(key.id.lowercased)")
                }
            },
        ]
    }
}

extension Workspace {
    var json: JSON {
        [
            "id": .id(id), "name": .string(name), "time_zone": .string(timeZone),
            "closing_note": .string(closingNote.rawValue), "require_if_match": .bool(requireIfMatch),
            "rate_limit": rateLimit?.json ?? .null, "created_at": .instant(createdAt),
            "updated_at": .instant(updatedAt),
        ]
    }
}

extension RateLimit {
    var json: JSON {
        ["quota": .integer(Int64(quota)), "window": .string(DurationText.format(TimeInterval(window)))]
    }
}

extension FieldType where Value == RateLimit {
    /// Requests and the time in which they come back.
    static var rateLimit: FieldType {
        FieldType { value, pointer, errors in
            let reader = ObjectReader(value, pointer: pointer, errors: errors)
            let quota = reader.int("quota", range: RateLimit.quotas)
            let window = reader.duration(
                "window",
                range: TimeInterval(RateLimit.windows.lowerBound)...TimeInterval(RateLimit.windows.upperBound))
            reader.finish()
            guard let quota, let window else { return nil }
            return RateLimit(quota: quota, window: Int(window))
        }
    }
}
