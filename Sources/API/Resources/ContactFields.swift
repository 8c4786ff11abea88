import Core
import HTTPTypes
import Store

/// `/v1/contact-fields`: what may be known of a contact beyond the built-in values (S27).
struct ContactFieldRoutes: Sendable {
    let store: Store

    var routes: [Route] {
        [
            Route(
                .get, "/v1/contact-fields", "listContactFields", access: .requires(.read), query: ["limit", "cursor"]
            ) { request in
                let page = try request.query { $0.page(key: .text) }
                let rows = try await store.contactFields(
                    in: request.workspace(), after: page.after?.text(0), limit: page.fetchLimit)
                return page.response(rows, item: \.json, key: { [.text($0.name)] })
            },
            Route(.post, "/v1/contact-fields", "createContactField", access: .requires(.manage)) { request in
                let workspace = try request.workspace()
                let (name, kind, description) = try request.object { reader in
                    let name = reader.required("name", .fieldName)
                    let kind = reader.optionalEnumeration("type", ContactFieldDefinition.Kind.self) ?? .text
                    let description = reader.optionalString("description", length: 0...2_000)
                    return name.map { ($0, kind, description) }
                }
                return try await request.once(store) { transaction in
                    let field = try transaction.createContactField(
                        name: name, kind: kind, description: description, in: workspace)
                    return StoredAnswer(status: 201, body: field.json, location: "/v1/contact-fields/\(field.name)")
                }
            },
            Route(.get, "/v1/contact-fields/{name}", "getContactField", access: .requires(.read)) { request in
                .ok(try await store.contactField(request.text("name"), in: request.workspace()).json)
            },
            Route(.patch, "/v1/contact-fields/{name}", "updateContactField", access: .requires(.manage)) { request in
                let (workspace, name) = (try request.workspace(), try request.text("name"))
                let description = try request.object { $0.patch("description", .string(length: 0...2_000)) }
                let precondition = try request.precondition(\ContactFieldDefinition.json)
                let field = try await store.write {
                    try $0.updateContactField(name, description: description, if: precondition, in: workspace)
                }
                return .ok(field.json)
            },
            Route(.delete, "/v1/contact-fields/{name}", "deleteContactField", access: .requires(.manage)) { request in
                let (workspace, name) = (try request.workspace(), try request.text("name"))
                let precondition = try request.precondition(\ContactFieldDefinition.json)
                try await store.write { try $0.deleteContactField(name, if: precondition, in: workspace) }
                return .noContent
            },
        ]
    }
}

extension FieldType where Value == String {
    /// The name of a workspace's contact field.
    static var fieldName: FieldType {
        let rule = "must be lower-case letters, digits and _, begin with a letter, and be no built-in value"
        return FieldType.string(length: 1...64).map(orSay: rule) { ContactFieldDefinition.isName($0) ? $0 : nil }
    }
}

extension ContactFieldDefinition {
    fileprivate var json: JSON {
        [
            "name": .string(name), "type": .string(kind.rawValue), "description": .text(description),
            "created_at": .instant(createdAt), "updated_at": .instant(updatedAt),
        ]
    }
}
