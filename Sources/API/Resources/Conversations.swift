import Core
import Foundation
import HTTPTypes
import Store

/// Reading conversations: lists, one, and what was said and done in it.
struct ConversationRoutes: Sendable {
    let store: Store

    static let filters: Set<String> = [
        "status", "team_id", "assignee_id", "waiting", "channel_id", "contact_id", "source", "opened_from", "opened_to",
        "closed_from", "closed_to", "updated_since", "order", "limit", "cursor",
    ]
    static let paging: Set<String> = ["order", "limit", "cursor"]

    var routes: [Route] {
        [
            Route(
                .get, "/v1/conversations", "listConversations", access: .requires(.read), query: Self.filters,
                handler: list),
            Route(
                .get, "/v1/conversations/{conversation_id}", "getConversation", access: .requires(.read), handler: get),
            Route(
                .get, "/v1/conversations/{conversation_id}/messages", "listMessages", access: .requires(.read),
                query: Self.paging, handler: messages),
            Route(
                .get, "/v1/conversations/{conversation_id}/comments", "listComments", access: .requires(.read),
                query: Self.paging, handler: comments),
            Route(
                .get, "/v1/conversations/{conversation_id}/events", "listConversationEvents", access: .requires(.read),
                query: Self.paging, handler: events),
        ]
    }

    @Sendable private func list(_ request: APIRequest) async throws -> APIResponse {
        let workspace = try request.workspace()
        let (filter, ascending, page) = try request.query {
            (Self.filter($0), $0.isAscending(default: false), $0.page(key: .instant, .uuid))
        }
        let after = page.after.flatMap { position in
            position.instant(0).flatMap { time in
                position.uuid(1).map { ConversationPosition(time: time, id: $0) }
            }
        }
        let rows = try await store.conversations(
            filter, ascending: ascending, after: after, limit: page.fetchLimit, in: workspace)
        return try page.response(rows) { row in
            [.instant(try row.decode(filter.window.time.column)), .uuid(try row.decode("id"))]
        }
    }

    private static func filter(_ query: QueryReader) -> ConversationFilter {
        var filter = ConversationFilter()
        filter.status = query.optionalEnumeration("status", Conversation.Status.self)
        filter.teamID = query.optionalUUID("team_id")
        filter.assignee = query.optional("assignee_id", assignee)
        filter.waiting = query.optionalBool("waiting")
        filter.channelID = query.optionalUUID("channel_id")
        filter.contactID = query.optionalUUID("contact_id")
        filter.source = query.optionalEnumeration("source", Source.self)
        filter.window = window(query)
        return filter
    }

    /// At most one, since an index is in the order of one time.
    private static func window(_ query: QueryReader) -> ConversationWindow {
        let opened = (from: query.optionalInstant("opened_from"), to: query.optionalInstant("opened_to"))
        let closed = (from: query.optionalInstant("closed_from"), to: query.optionalInstant("closed_to"))
        let updatedSince = query.optionalInstant("updated_since")
        if let from = opened.from, let to = opened.to, from >= to {
            query.fail("opened_to", "out-of-range", "must be after opened_from")
        }
        if let from = closed.from, let to = closed.to, from >= to {
            query.fail("closed_to", "out-of-range", "must be after closed_from")
        }
        let isOfOpening = opened.from != nil || opened.to != nil
        let isOfClosing = closed.from != nil || closed.to != nil
        if isOfOpening, isOfClosing {
            query.fail(closed.from == nil ? "closed_to" : "closed_from", "not-allowed", "not with a window of opening")
        }
        if updatedSince != nil, isOfOpening || isOfClosing {
            query.fail("updated_since", "not-allowed", "not with a window of opening or closing")
        }
        if let updatedSince { return ConversationWindow(.updated, from: updatedSince) }
        if isOfClosing { return ConversationWindow(.closed, from: closed.from, to: closed.to) }
        return ConversationWindow(.opened, from: opened.from, to: opened.to)
    }

    private static let assignee = FieldType<String>.string(length: 1...64).map(
        orSay: "must be an agent's id, or none"
    ) { text -> ConversationFilter.Assignee? in
        text == "none" ? .nobody : UUID(uuidString: text).map { .agent($0) }
    }

    @Sendable private func get(_ request: APIRequest) async throws -> APIResponse {
        .ok(try await store.conversation(request.uuid("conversation_id"), in: request.workspace()))
    }

    @Sendable private func messages(_ request: APIRequest) async throws -> APIResponse {
        let (page, ascending) = try request.query { ($0.page(key: .uuid), $0.isAscending(default: true)) }
        let rows = try await store.messages(
            of: request.uuid("conversation_id"), after: page.after?.uuid(0), ascending: ascending,
            limit: page.fetchLimit, in: request.workspace())
        return try page.response(rows) { [.uuid(try $0.decode("id"))] }
    }

    @Sendable private func comments(_ request: APIRequest) async throws -> APIResponse {
        let (page, ascending) = try request.query { ($0.page(key: .uuid), $0.isAscending(default: true)) }
        let rows = try await store.comments(
            of: request.uuid("conversation_id"), after: page.after?.uuid(0), ascending: ascending,
            limit: page.fetchLimit, in: request.workspace())
        return try page.response(rows) { [.uuid(try $0.decode("id"))] }
    }

    @Sendable private func events(_ request: APIRequest) async throws -> APIResponse {
        let (page, ascending) = try request.query { ($0.page(key: .integer), $0.isAscending(default: true)) }
        let rows = try await store.events(
            of: request.uuid("conversation_id"), after: page.after?.integer(0), ascending: ascending,
            limit: page.fetchLimit, in: request.workspace())
        return try page.response(rows) { [.integer(try $0.decode("sequence"))] }
    }
}

/// The direction of a list.
private enum ListOrder: String, CaseIterable {
    case asc, desc
}

extension QueryReader {
    /// What `order` says: `asc` or `desc`.
    func isAscending(default ascending: Bool) -> Bool {
        optionalEnumeration("order", ListOrder.self).map { $0 == .asc } ?? ascending
    }
}

extension ConversationRecord {
    /// As the API shows it.
    var json: JSON {
        JSON(fields: [
            ("id", .id(id)), ("contact_id", .id(contactID)), ("channel_id", .id(channelID)),
            ("status", .string(status)), ("source", .string(source)), ("team_id", .id(teamID)),
            ("assignee_id", .id(assigneeID)), ("waiting", .bool(waiting)), ("priority", .string(priority)),
            ("subject", .text(subject)), ("custom", custom), ("opened_at", .instant(openedAt)),
            ("assigned_at", .instant(assignedAt)), ("first_reply_at", .instant(firstReplyAt)),
            ("closed_at", .instant(closedAt)), ("category", .text(category)), ("summary", .text(summary)),
            ("updated_at", .instant(updatedAt)),
        ])
    }
}

extension MessageRecord {
    /// As the API shows it.
    var json: JSON {
        JSON(fields: [
            ("id", .id(id)), ("conversation_id", .id(conversationID)), ("contact_id", .id(contactID)),
            ("channel_id", .id(channelID)), ("direction", .string(direction)), ("source", .string(source)),
            ("agent_id", .id(agentID)), ("run_id", .id(runID)), ("text", .string(text)), ("status", .string(status)),
            ("error", .text(error)), ("sent_at", .instant(sentAt)), ("created_at", .instant(createdAt)),
        ])
    }
}

extension CommentRecord {
    /// As the API shows it.
    var json: JSON {
        JSON(fields: [
            ("id", .id(id)), ("conversation_id", .id(conversationID)), ("source", .string(source)),
            ("agent_id", .id(agentID)), ("run_id", .id(runID)), ("text", .string(text)),
            ("created_at", .instant(createdAt)),
        ])
    }
}
