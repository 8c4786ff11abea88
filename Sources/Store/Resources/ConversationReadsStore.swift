import Core
import Foundation
import Postgres

/// A conversation as the API shows it.
public struct ConversationRecord: Sendable, Hashable {
    public var id: UUID
    public var contactID: UUID
    public var channelID: UUID?
    public var status: String
    public var source: String
    public var teamID: UUID?
    public var assigneeID: UUID?
    public var waiting: Bool
    public var priority: String
    public var subject: String?
    public var custom: JSON
    public var openedAt: Date
    public var assignedAt: Date?
    public var firstReplyAt: Date?
    public var closedAt: Date?
    public var category: String?
    public var summary: String?
    public var updatedAt: Date

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        contactID = try row.decode("contact_id")
        channelID = try row.decode("channel_id")
        status = try row.decode("status")
        source = try row.decode("source")
        teamID = try row.decode("team_id")
        assigneeID = try row.decode("assignee_id")
        waiting = try row.decode("waiting")
        priority = try row.decode("priority")
        subject = try row.decode("subject")
        custom = try row.decodeJSON("custom")
        openedAt = try row.decode("opened_at")
        assignedAt = try row.decode("assigned_at")
        firstReplyAt = try row.decode("first_reply_at")
        closedAt = try row.decode("closed_at")
        category = try row.decode("category")
        summary = try row.decode("summary")
        updatedAt = try row.decode("updated_at")
    }
}

/// A message as the API shows it.
public struct MessageRecord: Sendable, Hashable {
    public var id: UUID
    public var conversationID: UUID?
    public var contactID: UUID
    public var channelID: UUID?
    public var direction: String
    public var source: String
    public var agentID: UUID?
    public var runID: UUID?
    public var text: String
    public var status: String
    public var error: String?
    public var sentAt: Date
    public var createdAt: Date

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        conversationID = try row.decode("conversation_id")
        contactID = try row.decode("contact_id")
        channelID = try row.decode("channel_id")
        direction = try row.decode("direction")
        source = try row.decode("source")
        agentID = try row.decode("agent_id")
        runID = try row.decode("run_id")
        text = try row.decode("text")
        status = try row.decode("status")
        error = try row.decode("error")
        sentAt = try row.decode("sent_at")
        createdAt = try row.decode("created_at")
    }
}

/// An internal comment as the API shows it.
public struct CommentRecord: Sendable, Hashable {
    public var id: UUID
    public var conversationID: UUID
    public var source: String
    public var agentID: UUID?
    public var runID: UUID?
    public var text: String
    public var createdAt: Date

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        conversationID = try row.decode("conversation_id")
        source = try row.decode("source")
        agentID = try row.decode("agent_id")
        runID = try row.decode("run_id")
        text = try row.decode("text")
        createdAt = try row.decode("created_at")
    }
}

/// What is only shown stays rows, whose columns are the members that the API shows, in its order.
extension Store {
    /// One page of conversations.
    ///
    /// - Parameters:
    ///   - ascending: oldest first by the time of the filter's window, else newest first.
    ///   - position: the last row of the page before; nil begins at the start.
    ///   - limit: at most so many; ask for one more than is shown to learn whether there are more.
    public func conversations(
        _ filter: ConversationFilter, ascending: Bool, after position: ConversationPosition?, limit: Int,
        in workspace: UUID
    ) async throws -> PostgresRows {
        try await read(
            filter.list(ascending: ascending),
            parts: filter.parts(behindPosition: position != nil, ascending: ascending),
            plan: filter.plan,
            [
                workspace, filter.teamID, filter.agentID, filter.channelID, filter.contactID, filter.window.from,
                filter.window.to, position?.time, position?.id, filter.source?.rawValue, limit,
            ]
        )
    }

    /// One conversation.
    /// - Throws: `StoreError.notFound` when there is none, or it was erased.
    public func conversation(_ id: UUID, in workspace: UUID) async throws -> PostgresRow {
        try await one("conversation_get", [workspace, id], what: "conversation") { $0 }
    }

    /// One page of a conversation's messages, in the order of their ids.
    public func messages(of conversation: UUID, after id: UUID?, ascending: Bool, limit: Int, in workspace: UUID)
        async throws -> PostgresRows
    {
        let span = try await span(of: conversation, in: workspace)
        return try await read(
            ascending ? "conversation_messages_asc" : "conversation_messages_desc",
            parts: id == nil ? [] : ["behind"],
            [workspace, conversation, span.lowerBound, span.upperBound, id, limit]
        )
    }

    /// One page of a conversation's comments, in the order of their ids.
    public func comments(of conversation: UUID, after id: UUID?, ascending: Bool, limit: Int, in workspace: UUID)
        async throws -> PostgresRows
    {
        _ = try await span(of: conversation, in: workspace)
        return try await read(
            ascending ? "conversation_comments_asc" : "conversation_comments_desc",
            parts: id == nil ? [] : ["behind"],
            [workspace, conversation, id, limit]
        )
    }

    /// One page of a conversation's timeline, in the order of its sequence.
    public func events(of conversation: UUID, after sequence: Int?, ascending: Bool, limit: Int, in workspace: UUID)
        async throws -> PostgresRows
    {
        let span = try await span(of: conversation, in: workspace)
        return try await read(
            ascending ? "conversation_events_asc" : "conversation_events_desc",
            parts: sequence == nil ? [] : ["behind"],
            [workspace, conversation, span.lowerBound, span.upperBound, sequence, limit]
        )
    }

    /// The ids that a conversation's messages and events can have, so that only the partitions of its months are read.
    private func span(of conversation: UUID, in workspace: UUID) async throws -> Range<UUID> {
        guard let row = try await read("conversation_span", [workspace, conversation]).first else {
            throw StoreError.notFound(what: "conversation")
        }
        let first = UUIDv7.lowerBound(of: try row.decode("first_at"))
        let last = UUIDv7.lowerBound(of: try row.decode("last_at"))
        return first..<max(first, last)
    }
}

extension StoreTransaction {
    /// The conversation as this transaction leaves it, for the answer to the call that changed it.
    public func conversation(_ id: UUID, in workspace: UUID) throws -> ConversationRecord {
        try flush()
        return try ConversationRecord(row: one("conversation_get", [workspace, id], what: "conversation"))
    }

    /// A message that this transaction wrote.
    public func message(_ id: UUID, in workspace: UUID) throws -> MessageRecord {
        try flush()
        return try MessageRecord(row: one("conversation_message_get", [workspace, id], what: "message"))
    }

    /// A comment that this transaction wrote.
    public func comment(_ id: UUID, in workspace: UUID) throws -> CommentRecord {
        try flush()
        return try CommentRecord(row: one("conversation_comment_get", [workspace, id], what: "comment"))
    }

    /// What a merge-patch (RFC 7396) of `custom` makes of it, with the conversation's row locked until the change.
    public func merged(_ patch: Patch<JSON>, intoCustomOf id: UUID, in workspace: UUID) throws -> Patch<JSON> {
        guard case .value(let changes) = patch else { return patch }
        return .value(try lockConversation(id, in: workspace).0.custom.merging(changes))
    }
}
