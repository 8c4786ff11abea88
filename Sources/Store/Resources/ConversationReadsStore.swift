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
    public var version: Int

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
        version = try row.decode("version")
    }
}

/// Which conversations a list holds; all that is given must hold at once.
public struct ConversationFilter: Sendable, Hashable {
    /// Whose conversations.
    public enum Assignee: Sendable, Hashable {
        case agent(UUID)
        /// Those that nobody has.
        case nobody
    }

    public var status: Conversation.Status?
    public var teamID: UUID?
    public var assignee: Assignee?
    public var waiting: Bool?
    public var channelID: UUID?
    public var contactID: UUID?
    public var source: Source?
    public var window = ConversationWindow()

    public init() {}
}

/// When something happened to the conversations of a list, half-open: from included, to excluded. The list goes by that time,
/// ties by id, so that the window is one stretch of one index.
public struct ConversationWindow: Sendable, Hashable {
    public enum Time: String, Sendable {
        case opened
        /// Closed conversations only.
        case closed
        /// The last change of what the API shows of a conversation.
        case updated
    }

    public var time: Time
    public var from: Date?
    public var to: Date?

    public init(_ time: Time = .opened, from: Date? = nil, to: Date? = nil) {
        self.time = time
        self.from = from
        self.to = to
    }

    /// Where the conversation stands in the list.
    public func position(of conversation: ConversationRecord) -> ConversationPosition {
        let time =
            switch time {
            case .opened: conversation.openedAt
            case .closed: conversation.closedAt ?? conversation.openedAt
            case .updated: conversation.updatedAt
            }
        return ConversationPosition(time: time, id: conversation.id)
    }
}

/// The last row of a page: the next page begins behind it, whatever was inserted since.
public struct ConversationPosition: Sendable, Hashable {
    public var time: Date
    public var id: UUID

    public init(time: Date, id: UUID) {
        self.time = time
        self.id = id
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

/// An event as the API shows it; strings, because a database may hold kinds that a newer program wrote.
public struct EventRecord: Sendable, Hashable {
    public var id: UUID
    public var type: String
    public var sequence: Int
    public var occurredAt: Date
    public var conversationID: UUID
    public var source: String
    public var actor: JSON
    public var data: JSON

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        type = try row.decode("type")
        sequence = try row.decode("sequence")
        occurredAt = try row.decode("occurred_at")
        conversationID = try row.decode("conversation_id")
        source = try row.decode("source")
        actor = try row.decode("actor", as: String?.self) == nil ? .null : row.decodeJSON("actor")
        data = try row.decodeJSON("data")
    }
}

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
    ) async throws -> [ConversationRecord] {
        var agent: UUID?
        if case .agent(let id) = filter.assignee { agent = id }
        // Behind a position its side of the window holds by itself. Said twice, the server would begin at the window's edge
        // and walk to the position, further with every page.
        var window = filter.window
        if position != nil {
            if ascending { window.from = nil } else { window.to = nil }
        }
        return try await read(
            "conversation_list_\(window.time.rawValue)_\(ascending ? "asc" : "desc")",
            [
                workspace, filter.status?.rawValue, filter.teamID, agent, filter.assignee == .nobody ? true : nil,
                filter.waiting, filter.channelID, filter.contactID, filter.source?.rawValue, window.from, window.to,
                position?.time, position?.id, limit,
            ]
        ).map(ConversationRecord.init(row:))
    }

    /// One conversation.
    /// - Throws: `StoreError.notFound` when there is none, or it was erased.
    public func conversation(_ id: UUID, in workspace: UUID) async throws -> ConversationRecord {
        try await one(
            "conversation_get", [workspace, id], what: "conversation", ConversationRecord.init(row:))
    }

    /// One page of a conversation's messages, in the order of their ids.
    public func messages(of conversation: UUID, after id: UUID?, ascending: Bool, limit: Int, in workspace: UUID)
        async throws -> [MessageRecord]
    {
        let span = try await span(of: conversation, in: workspace)
        return try await read(
            ascending ? "conversation_messages_asc" : "conversation_messages_desc",
            [workspace, conversation, span.lowerBound, span.upperBound, id, limit]
        ).map(MessageRecord.init(row:))
    }

    /// One page of a conversation's comments, in the order of their ids.
    public func comments(of conversation: UUID, after id: UUID?, ascending: Bool, limit: Int, in workspace: UUID)
        async throws -> [CommentRecord]
    {
        _ = try await span(of: conversation, in: workspace)
        return try await read(
            ascending ? "conversation_comments_asc" : "conversation_comments_desc",
            [workspace, conversation, id, limit]
        ).map(CommentRecord.init(row:))
    }

    /// One page of a conversation's timeline, in the order of its sequence.
    public func events(of conversation: UUID, after sequence: Int?, ascending: Bool, limit: Int, in workspace: UUID)
        async throws -> [EventRecord]
    {
        let span = try await span(of: conversation, in: workspace)
        return try await read(
            ascending ? "conversation_events_asc" : "conversation_events_desc",
            [workspace, conversation, span.lowerBound, span.upperBound, sequence, limit]
        ).map(EventRecord.init(row:))
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
