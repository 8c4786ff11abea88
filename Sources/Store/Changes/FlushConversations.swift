import Core
import Foundation
import Postgres

extension StoreTransaction {
    /// Contacts, and the fields that somebody wrote without defining them (S27).
    func flushPeople(_ workspace: UUID) throws {
        let fields = changes.fieldsUsed.sorted()
        if !fields.isEmpty {
            try send("changes_define_fields", [workspace, fields])
            changes.fieldsUsed = []
        }
        let inserted = changes.contactsInserted.sorted { $0.id.lowercased < $1.id.lowercased }
        if !inserted.isEmpty {
            try send(
                "changes_insert_contacts",
                [
                    workspace, inserted.map(\.id), inserted.map(\.name), inserted.map(\.email), inserted.map(\.phone),
                    inserted.map(\.language),
                ])
            changes.contactsInserted = []
        }
        try flushContacts(workspace)
    }

    private func flushContacts(_ workspace: UUID) throws {
        let updated = Array(changes.contactsUpdated.values)
        if !updated.isEmpty {
            try send(
                "changes_update_contacts",
                [
                    workspace, updated.map(\.id), updated.map(\.name), updated.map(\.email), updated.map(\.phone),
                    updated.map(\.language), updated.map { JSON.array($0.tags.map { .string($0) }).text },
                    updated.map { $0.fields.text }, updated.map(\.lastAssigneeID),
                ])
            changes.contactsUpdated = [:]
        }
    }

    /// Rows that nobody else waits for, and no definitions of fields: whoever waits for one of those may hold a line.
    func flushBeforeLines(_ workspace: UUID) throws {
        try flushContacts(workspace)
        try flushEvents(workspace)
        try flushSignalsTaken(workspace)
        try flushRunLog(workspace)
    }

    /// Conversations first, then what hangs on them.
    func flushConversations(_ workspace: UUID) throws {
        let inserted = changes.conversationsInserted
        if !inserted.isEmpty {
            try send(
                "changes_insert_conversations",
                [
                    workspace, inserted.map(\.id), inserted.map(\.contactID), inserted.map(\.channelID),
                    inserted.map(\.source.rawValue), inserted.map(\.priority.rawValue), inserted.map(\.subject),
                    inserted.map { $0.custom.text }, inserted.map(\.openedAt), inserted.map(\.lastSequence),
                    inserted.map(\.lastEventAt),
                ])
            changes.conversationsInserted = []
        }
        let updated = Array(changes.conversationsUpdated.values)
        if !updated.isEmpty {
            try send("changes_update_conversations", [workspace] + Self.columns(of: updated))
            changes.conversationsUpdated = [:]
        }
        try flushMessages(workspace)
        try flushEvents(workspace)
    }

    private static func columns(of rows: [Conversation]) -> [any PostgresBindable] {
        [
            rows.map(\.id), rows.map(\.status.rawValue),
            rows.map { $0.team?.id }, rows.map { $0.team?.name },
            rows.map { $0.assignee?.id }, rows.map { $0.assignee?.name },
            rows.map { $0.assignedSource?.rawValue }, rows.map(\.assignedAt), rows.map(\.waiting),
            rows.map(\.priority.rawValue), rows.map(\.subject), rows.map { $0.custom.text },
            rows.map { $0.firstReply?.at },
            rows.map { $0.firstReply?.agent?.id }, rows.map { $0.firstReply?.agent?.name },
            rows.map { $0.firstReply?.team?.id }, rows.map { $0.firstReply?.team?.name },
            rows.map(\.closedAt), rows.map { $0.closedSource?.rawValue }, rows.map(\.category), rows.map(\.summary),
            rows.map(\.lastSequence), rows.map(\.lastEventAt),
        ]
    }

    private func flushMessages(_ workspace: UUID) throws {
        let messages = changes.messages
        if !messages.isEmpty {
            try send(
                "changes_insert_messages",
                [
                    workspace, messages.map(\.id), messages.map(\.conversationID), messages.map(\.contactID),
                    messages.map(\.channelID), messages.map { $0.incoming ? "incoming" : "outgoing" },
                    messages.map(\.source.rawValue), messages.map(\.agentID), messages.map(\.runID),
                    messages.map(\.text), messages.map(\.status), messages.map(\.externalID), messages.map(\.sentAt),
                    messages.map(\.createdAt),
                ])
            changes.messages = []
        }
        // In key order, so that two batches that share keys wait for each other instead of dead-locking.
        let receipts = changes.receipts.sorted { $0.externalHash.lexicographicallyPrecedes($1.externalHash) }
        if !receipts.isEmpty {
            try send(
                "changes_insert_receipts",
                [
                    workspace, receipts.map(\.channelID), receipts.map(\.externalHash), receipts.map(\.messageID),
                    receipts.map(\.conversationID), receipts.map(\.opened), receipts.map(\.requestID),
                ])
            changes.receipts = []
        }
        let comments = changes.comments
        if !comments.isEmpty {
            try send(
                "changes_insert_comments",
                [
                    workspace, comments.map(\.id), comments.map(\.conversationID), comments.map(\.source.rawValue),
                    comments.map(\.agentID), comments.map(\.runID), comments.map(\.text), comments.map(\.createdAt),
                ])
            changes.comments = []
        }
    }

    private func flushEvents(_ workspace: UUID) throws {
        let events = changes.events
        guard !events.isEmpty else { return }
        try send(
            "changes_insert_events",
            [
                workspace, events.map(\.id), events.map(\.type.rawValue), events.map(\.conversationID),
                events.map(\.sequence), events.map(\.occurredAt), events.map(\.source.rawValue),
                events.map { $0.actor.json.text }, events.map { $0.data.text },
            ])
        changes.events = []
    }
}
