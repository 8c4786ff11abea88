import Core
import Foundation
import Postgres

/// Conversations under their row locks, and the database's time of the statement that took them.
struct LockedConversations {
    var rows: [UUID: Conversation] = [:]
    var now = Date.distantPast
}

extension StoreTransaction {
    /// Locks conversations in the order of their ids (S19) and reads them as they are then.
    func lockConversations(_ ids: some Collection<UUID>, in workspace: UUID) throws -> LockedConversations {
        guard !ids.isEmpty else { return LockedConversations() }
        // What an earlier verb of this transaction gathered must be in the rows before they are read again.
        try flush()
        return try conversations(from: send("conversations_lock", [workspace, Array(ids)]))
    }

    /// Locks one living conversation.
    /// - Throws: `StoreError.notFound` when there is none, or it was erased.
    func lockConversation(_ id: UUID, in workspace: UUID) throws -> (Conversation, now: Date) {
        let locked = try lockConversations([id], in: workspace)
        guard let conversation = locked.rows[id], !conversation.isErased else {
            throw StoreError.notFound(what: "conversation")
        }
        return (conversation, locked.now)
    }

    func conversations(from pending: PendingRows) throws -> LockedConversations {
        var locked = LockedConversations()
        for row in try pending.rows() {
            let conversation = try Conversation(row: row)
            locked.rows[conversation.id] = conversation
            locked.now = try row.decode("now")
        }
        return locked
    }
}

extension Conversation {
    /// From the columns that `conversations_lock` selects.
    init(row: PostgresRow) throws {
        self.init(
            id: try row.decode("id"), contactID: try row.decode("contact_id"), channelID: try row.decode("channel_id"),
            source: Source(rawValue: try row.decode("source")) ?? .system, openedAt: try row.decode("opened_at"),
            lastSequence: try row.decode("last_sequence"), lastEventAt: try row.decode("last_event_at"))
        status = Status(rawValue: try row.decode("status")) ?? .open
        team = try Named(row: row, prefix: "team")
        assignee = try Named(row: row, prefix: "assignee")
        assignedSource = try row.decode("assigned_source", as: String?.self).flatMap(Source.init(rawValue:))
        assignedAt = try row.decode("assigned_at")
        waiting = try row.decode("waiting")
        priority = Priority(rawValue: try row.decode("priority")) ?? .normal
        subject = try row.decode("subject")
        custom = try row.decodeJSON("custom")
        if let at = try row.decode("first_reply_at", as: Date?.self) {
            firstReply = FirstReply(
                at: at, agent: try Named(row: row, prefix: "first_reply_agent"),
                team: try Named(row: row, prefix: "first_reply_team"))
        }
        closedAt = try row.decode("closed_at")
        closedSource = try row.decode("closed_source", as: String?.self).flatMap(Source.init(rawValue:))
        category = try row.decode("category")
        summary = try row.decode("summary")
        isErased = try row.decode("erased_at", as: Date?.self) != nil
    }
}

extension Conversation.Named {
    init?(row: PostgresRow, prefix: String) throws {
        guard let id = try row.decode(prefix + "_id", as: UUID?.self) else { return nil }
        self.init(id: id, name: try row.decode(prefix + "_name"))
    }
}

extension PostgresRow {
    /// A jsonb column as a value. What the database holds was checked on its way in, so a failure is a defect.
    func decodeJSON(_ column: String) throws -> JSON {
        let text: String = try decode(column)
        do {
            return try JSON.parse(Array(text.utf8))
        } catch {
            throw StoreError.invalid([FieldError(pointer: "", code: "stored-json", detail: "column \(column)")])
        }
    }
}
