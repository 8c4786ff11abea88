import Core
import Foundation
import HTTPTypes
import Store

/// `/v1/contacts`: people who write.
struct ContactRoutes: Sendable {
    let store: Store

    var routes: [Route] {
        [
            Route(
                .get, "/v1/contacts", "listContacts", access: .requires(.read),
                query: ["limit", "cursor", "channel_id", "external_id", "email", "phone"]
            ) { request in
                let (page, filter) = try request.query { ($0.page(key: .uuid), ContactFilter($0)) }
                let rows = try await store.contacts(
                    in: request.workspace(), where: filter, after: page.after?.uuid(0), limit: page.fetchLimit)
                return page.response(rows, item: \.json, key: { [.uuid($0.id)] })
            },
            Route(.post, "/v1/contacts", "createContact", access: .requires(.work)) { request in
                let workspace = try request.workspace()
                let new = try request.object { NewContact($0) }
                let caller = try request.caller().caller
                return try await request.once(store) { transaction in
                    let contact = try transaction.createContact(new, by: caller, in: workspace)
                    return StoredAnswer(
                        status: 201, body: contact.json, location: "/v1/contacts/\(contact.id.lowercased)",
                        about: contact.id)
                }
            },
            Route(.get, "/v1/contacts/{contact_id}", "getContact", access: .requires(.read)) { request in
                .ok(try await store.contact(request.uuid("contact_id"), in: request.workspace()).json)
            },
            Route(.patch, "/v1/contacts/{contact_id}", "updateContact", access: .requires(.work)) { request in
                let patch = try request.object { ContactPatch($0) }
                return try await change(request) { transaction, id, precondition, caller, workspace in
                    try transaction.updateContact(id, patch, if: precondition, by: caller, in: workspace)
                }
            },
            Route(.delete, "/v1/contacts/{contact_id}", "eraseContact", access: .requires(.manage)) { request in
                let (workspace, id) = (try request.workspace(), try request.uuid("contact_id"))
                let caller = try request.caller().caller
                let precondition = try request.precondition(\Contact.json)
                try await store.write { try $0.eraseContact(id, if: precondition, by: caller, in: workspace) }
                return .noContent
            },
        ] + tagRoutes + identityRoutes
    }

    private var tagRoutes: [Route] {
        [
            Route(.put, "/v1/contacts/{contact_id}/tags/{tag}", "addContactTag", access: .requires(.work)) { request in
                let text = try request.text("tag")
                let errors = FieldErrors()
                guard let tag = FieldType.tag.read(.string(text), "/tag", errors) else {
                    throw Problem.validationFailed(errors.list)
                }
                return try await change(request) { transaction, id, precondition, caller, workspace in
                    try transaction.addTag(tag, toContact: id, if: precondition, by: caller, in: workspace)
                }
            },
            Route(
                .delete, "/v1/contacts/{contact_id}/tags/{tag}", "removeContactTag", access: .requires(.work)
            ) { request in
                let tag = try request.text("tag")
                return try await change(request) { transaction, id, precondition, caller, workspace in
                    try transaction.removeTag(tag, fromContact: id, if: precondition, by: caller, in: workspace)
                }
            },
        ]
    }

    private var identityRoutes: [Route] {
        [
            Route(
                .put, "/v1/contacts/{contact_id}/identities", "addContactIdentity", access: .requires(.work)
            ) { request in
                let identity = try request.object { Contact.Identity($0) }
                return try await change(request) { transaction, id, precondition, caller, workspace in
                    try transaction.addIdentity(identity, toContact: id, if: precondition, by: caller, in: workspace)
                }
            },
            Route(
                .delete, "/v1/contacts/{contact_id}/identities", "removeContactIdentity", access: .requires(.work),
                query: ["channel_id", "external_id"]
            ) { request in
                let identity = try request.query { query -> Contact.Identity? in
                    let channel = query.required("channel_id", .uuid)
                    let external = query.required("external_id", .externalID)
                    guard let channel, let external else { return nil }
                    return Contact.Identity(channelID: channel, externalID: external)
                }
                return try await change(request) { transaction, id, precondition, caller, workspace in
                    try transaction.removeIdentity(
                        identity, fromContact: id, if: precondition, by: caller, in: workspace)
                }
            },
        ]
    }

    /// A write to the contact of the path that answers with the contact.
    private func change(
        _ request: APIRequest,
        _ body: @escaping @Sendable (StoreTransaction, UUID, Precondition<Contact>, Caller, UUID) throws -> Contact
    ) async throws -> APIResponse {
        let (workspace, id) = (try request.workspace(), try request.uuid("contact_id"))
        let caller = try request.caller().caller
        let precondition = try request.precondition(\Contact.json)
        return .ok(try await store.write { try body($0, id, precondition, caller, workspace) }.json)
    }
}

extension ContactFilter {
    /// From the query: `channel_id` and `external_id` go together.
    fileprivate init(_ query: QueryReader) {
        self.init(
            email: query.optionalString("email", length: 1...254), phone: query.optionalString("phone", length: 1...40))
        let channel = query.optionalUUID("channel_id")
        let external = query.optional("external_id", .externalID)
        if query.has("channel_id") != query.has("external_id") {
            let missing = query.has("channel_id") ? "external_id" : "channel_id"
            query.fail(missing, "missing", "channel_id and external_id go together")
        }
        if let channel, let external { identity = Contact.Identity(channelID: channel, externalID: external) }
    }
}

extension Contact {
    var json: JSON {
        [
            "id": .id(id), "name": .text(name), "email": .text(email), "phone": .text(phone),
            "language": .text(language), "tags": .array(tags.map { .string($0) }), "fields": .object(fields),
            "blocked": .bool(blocked), "identities": .array(identities.map(\.json)),
            "last_assignee_id": .id(lastAssigneeID), "created_at": .instant(createdAt),
            "updated_at": .instant(updatedAt),
        ]
    }
}

extension Contact.Identity {
    fileprivate var json: JSON { ["channel_id": .id(channelID), "external_id": .string(externalID)] }
}
