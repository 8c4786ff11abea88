import Core
import HTTPTypes
import Store

/// `/v1/closing-categories`: what a conversation was about (S29).
struct ClosingCategoryRoutes: Sendable {
    let store: Store

    var routes: [Route] {
        [
            Route(
                .get, "/v1/closing-categories", "listClosingCategories", access: .requires(.read),
                query: ["limit", "cursor"]
            ) { request in
                let page = try request.query { $0.page(key: .uuid) }
                let rows = try await store.closingCategories(
                    in: request.workspace(), after: page.after?.uuid(0), limit: page.fetchLimit)
                return page.response(rows, item: \.json, key: { [.uuid($0.id)] })
            },
            Route(.post, "/v1/closing-categories", "createClosingCategory", access: .requires(.manage)) { request in
                let workspace = try request.workspace()
                let name = try request.object { $0.required("name", .name) }
                return try await request.once(store) { transaction in
                    let category = try transaction.createClosingCategory(name: name, in: workspace)
                    return StoredAnswer(
                        status: 201, body: category.json,
                        location: "/v1/closing-categories/\(category.id.lowercased)")
                }
            },
            Route(
                .get, "/v1/closing-categories/{category_id}", "getClosingCategory", access: .requires(.read)
            ) { request in
                .ok(try await store.closingCategory(request.uuid("category_id"), in: request.workspace()).json)
            },
            Route(
                .patch, "/v1/closing-categories/{category_id}", "updateClosingCategory", access: .requires(.manage)
            ) { request in
                let (workspace, id) = (try request.workspace(), try request.uuid("category_id"))
                let name = try request.object { .some($0.patchRequired("name", .name)) }
                let precondition = try request.precondition(\ClosingCategory.json)
                let category = try await store.write {
                    try $0.renameClosingCategory(id, to: name, if: precondition, in: workspace)
                }
                return .ok(category.json)
            },
            Route(
                .delete, "/v1/closing-categories/{category_id}", "deleteClosingCategory", access: .requires(.manage)
            ) { request in
                let (workspace, id) = (try request.workspace(), try request.uuid("category_id"))
                let precondition = try request.precondition(\ClosingCategory.json)
                try await store.write { try $0.deleteClosingCategory(id, if: precondition, in: workspace) }
                return .noContent
            },
        ]
    }
}

extension ClosingCategory {
    fileprivate var json: JSON {
        [
            "id": .id(id), "name": .string(name), "created_at": .instant(createdAt), "updated_at": .instant(updatedAt),
        ]
    }
}
