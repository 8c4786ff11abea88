import Core
import Foundation
import HTTPTypes
import OrderedCollections
import Store

/// What may be done with conversations. Every call is one transaction; every POST may be repeated under an
/// `Idempotency-Key`.
struct ConversationActionRoutes: Sendable {
    let store: Store

    /// Bytes of a message's or comment's text.
    static let maximumTextBytes = 16 * 1024
    /// Bytes of `custom` as JSON.
    static let maximumCustomBytes = 16 * 1024

    var routes: [Route] {
        [
            Route(.post, "/v1/conversations", "createConversation", access: .requires(.work), handler: create),
            Route(
                .patch, "/v1/conversations/{conversation_id}", "updateConversation", access: .requires(.work),
                handler: patch),
            Route(
                .delete, "/v1/conversations/{conversation_id}", "deleteConversation", access: .requires(.manage),
                handler: delete),
            Route(
                .post, "/v1/conversations/{conversation_id}/assign", "assignConversation", access: .requires(.work),
                handler: assign),
            Route(
                .post, "/v1/conversations/{conversation_id}/close", "closeConversation", access: .requires(.work),
                handler: close),
            Route(
                .post, "/v1/conversations/{conversation_id}/messages", "sendMessage", access: .requires(.work),
                handler: send),
            Route(
                .post, "/v1/conversations/{conversation_id}/comments", "addComment", access: .requires(.work),
                handler: comment),
        ]
    }

    @Sendable private func create(_ request: APIRequest) async throws -> APIResponse {
        let (workspace, caller) = try request.workspaceAndCaller()
        let new = try request.object { body in
            let contact = body.uuid("contact_id")
            let channel = body.optionalUUID("channel_id")
            let subject = body.optionalString("subject", length: 1...500)
            let custom = body.optional("custom", Self.custom)
            let priority = body.optionalEnumeration("priority", Priority.self)
            return contact.map { (contact: $0, channel: channel, subject: subject, custom: custom, priority: priority) }
        }
        return try await request.once(store) { transaction in
            let id: UUID
            do {
                id = try transaction.createConversation(
                    contact: new.contact, channel: new.channel, subject: new.subject, custom: new.custom,
                    priority: new.priority, by: caller, in: workspace)
            } catch StoreError.notFound {
                // The contact stands in the body, not in the path.
                throw StoreError.invalid([
                    FieldError(pointer: "/contact_id", code: "unknown-reference", detail: "There is no such contact.")
                ])
            }
            let conversation = try transaction.conversation(id, in: workspace)
            return StoredAnswer(
                status: 201, body: conversation.json, location: "/v1/conversations/\(id.lowercased)", about: id)
        }
    }

    @Sendable private func patch(_ request: APIRequest) async throws -> APIResponse {
        let (workspace, caller) = try request.workspaceAndCaller()
        let id = try request.uuid("conversation_id")
        let (priority, subject, custom) = try request.object { body in
            (
                body.patchRequired("priority", .enumeration(Priority.self)),
                body.patch("subject", .string(length: 1...500)), body.patch("custom", Self.custom)
            )
        }
        let precondition = try request.precondition(\ConversationRecord.json)
        let conversation = try await store.write { transaction in
            try transaction.lockConversation(id, if: precondition, in: workspace)
            let custom = try transaction.merged(custom, intoCustomOf: id, in: workspace)
            if case .value(let whole) = custom, let error = Self.tooLarge(whole, at: "/custom") {
                throw StoreError.invalid([error])
            }
            try transaction.patchConversation(
                id, priority: priority, subject: subject, custom: custom, by: caller, in: workspace)
            return try transaction.conversation(id, in: workspace)
        }
        return .ok(conversation.json)
    }

    @Sendable private func delete(_ request: APIRequest) async throws -> APIResponse {
        let (workspace, caller) = try request.workspaceAndCaller()
        let id = try request.uuid("conversation_id")
        let precondition = try request.precondition(\ConversationRecord.json)
        try await store.write { transaction in
            try transaction.eraseConversation(id, if: precondition, by: caller, in: workspace)
            try transaction.forgetAnswers(about: id, in: workspace)
        }
        return .noContent
    }

    @Sendable private func assign(_ request: APIRequest) async throws -> APIResponse {
        let (workspace, caller) = try request.workspaceAndCaller()
        let id = try request.uuid("conversation_id")
        let assignment = try request.object(Self.assignment)
        return try await request.once(store) { transaction in
            try transaction.assign(id, to: assignment, by: caller, in: workspace)
            return StoredAnswer(status: 200, body: try transaction.conversation(id, in: workspace).json, about: id)
        }
    }

    /// `{"agent_id"}`, `{"agent_id": null}`, `{"team_id"}`, or a `strategy` with or without a team (S22).
    private static func assignment(_ body: ObjectReader) -> AssignRequest? {
        let agent = body.patch("agent_id", .uuid)
        let team = body.patch("team_id", .uuid)
        let strategy = body.optionalEnumeration("strategy", RoutingStrategy.self)
        let onlyOnline = body.optional("only_online", .bool)
        let maxOpen = body.optionalInt("max_open", range: 1...100_000)
        let expected = body.patch("if_assignee_id", .uuid)
        if !agent.isPresent, !team.isPresent, strategy == nil, !body.has("strategy") {
            body.fail("agent_id", "missing", "there must be agent_id, team_id or strategy")
        }
        if strategy != nil {
            if agent.isPresent { body.fail("agent_id", "not-allowed", "a strategy chooses the agent itself") }
        } else if !body.has("strategy") {
            for name in ["only_online", "max_open"] where body.has(name) {
                body.fail(name, "not-allowed", "is for a strategy only")
            }
        }
        return AssignRequest(
            agentID: agent.asked, teamID: team.asked, strategy: strategy, onlyOnline: onlyOnline ?? true,
            maxOpen: maxOpen, ifAssigneeID: expected.asked)
    }

    @Sendable private func close(_ request: APIRequest) async throws -> APIResponse {
        let (workspace, caller) = try request.workspaceAndCaller()
        let id = try request.uuid("conversation_id")
        let (category, summary) = try request.objectIfPresent { body in
            (body.optionalString("category", length: 1...200), body.optionalString("summary", length: 1...10_000))
        }
        return try await request.once(store) { transaction in
            try transaction.closeConversation(id, category: category, summary: summary, by: caller, in: workspace)
            return StoredAnswer(status: 200, body: try transaction.conversation(id, in: workspace).json, about: id)
        }
    }

    @Sendable private func send(_ request: APIRequest) async throws -> APIResponse {
        let (workspace, caller) = try request.workspaceAndCaller()
        let id = try request.uuid("conversation_id")
        let text = try request.object { $0.required("text", Self.text) }
        return try await request.once(store) { transaction in
            let message = try transaction.sendMessage(text, in: id, by: caller, workspace: workspace)
            return StoredAnswer(status: 201, body: try transaction.message(message, in: workspace).json, about: id)
        }
    }

    @Sendable private func comment(_ request: APIRequest) async throws -> APIResponse {
        let (workspace, caller) = try request.workspaceAndCaller()
        let id = try request.uuid("conversation_id")
        let text = try request.object { $0.required("text", Self.text) }
        return try await request.once(store) { transaction in
            let comment = try transaction.addComment(text, in: id, by: caller, workspace: workspace)
            return StoredAnswer(status: 201, body: try transaction.comment(comment, in: workspace).json, about: id)
        }
    }

    private static let text = FieldType<String> { value, pointer, errors in
        guard let text = FieldType<String>.string(maximumBytes: maximumTextBytes).read(value, pointer, errors) else {
            return nil
        }
        guard !text.unicodeScalars.allSatisfy(\.properties.isWhitespace) else {
            errors.add(pointer, "too-short", "must not be only white space")
            return nil
        }
        return text
    }

    private static let custom = FieldType<JSON> { value, pointer, errors in
        guard value.object != nil else {
            errors.add(pointer, "wrong-type", "must be an object, not \(value.kindName)")
            return nil
        }
        if let error = tooLarge(value, at: pointer) {
            errors.add(error)
            return nil
        }
        return value
    }

    private static func tooLarge(_ custom: JSON, at pointer: String) -> FieldError? {
        guard custom.serialized().count > maximumCustomBytes else { return nil }
        return FieldError(
            pointer: pointer, code: "too-long", detail: "must have at most \(maximumCustomBytes) bytes as JSON")
    }
}

extension Patch {
    /// What was asked for: nothing, nobody, or this.
    fileprivate var asked: Value?? {
        switch self {
        case .absent: .none
        case .null: .some(.none)
        case .value(let value): .some(.some(value))
        }
    }
}
