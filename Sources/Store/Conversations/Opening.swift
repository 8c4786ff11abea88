import Core
import Foundation
import Postgres

/// A live workflow that waits for an event of some type, as far as columns can tell (S9).
struct PublishedTrigger {
    let workflowID: UUID
    let version: Int
    let sources: [String]?
    let channels: [UUID]?

    init(row: PostgresRow) throws {
        workflowID = try row.decode("workflow_id")
        version = try row.decode("version")
        sources = try row.decode("sources")
        channels = try row.decode("channels")
    }

    /// Whether its columns admit the conversation. The whole condition is the worker's to judge.
    func admits(_ conversation: Conversation) -> Bool {
        if let sources, !sources.contains(conversation.source.rawValue) { return false }
        if let channels {
            guard let channel = conversation.channelID, channels.contains(channel) else { return false }
        }
        return true
    }
}

extension StoreTransaction {
    /// Records the opening and leaves a candidate for every live workflow that it may start. The row itself is added to
    /// `changes` by the caller, when all its events are recorded.
    func recordOpening(
        of conversation: inout Conversation, channelName: String?, message: UUID?, triggers: [PublishedTrigger],
        by caller: Caller, at now: Date, in workspace: UUID, trace: TraceContext? = nil
    ) {
        changes.events.append(
            conversation.record(
                .conversationOpened, id: newID(), by: caller, at: now,
                data: JSON(present: [
                    ("contact_id", .id(conversation.contactID)),
                    ("channel_id", conversation.channelID.map { .id($0) }),
                    ("channel_name", channelName.map { .string($0) }),
                ])))
        for trigger in triggers where trigger.admits(conversation) {
            let run = newID()
            changes.runsInserted.append(
                RunCandidateRow(
                    id: run, workflowID: trigger.workflowID, version: trigger.version,
                    contactID: conversation.contactID, conversationID: conversation.id, messageID: message,
                    openedAt: conversation.openedAt, trace: trace ?? self.trace))
            changes.signals.append(
                SignalRow(runID: run, id: newID(), kind: "started", visit: nil, dueAt: now, data: .emptyObject))
            nudge(.runs(workspace: workspace))
        }
    }

    /// Opens a conversation for a contact who has none open.
    /// - Throws: `StoreError.notFound` for the contact, `.invalid` for the channel, `.conflict` when one is open or the
    ///   contact is blocked.
    public func createConversation(
        contact: UUID, channel: UUID?, subject: String?, custom: JSON?, priority: Priority?, by caller: Caller,
        in workspace: UUID
    ) throws -> UUID {
        changes.workspaceID = workspace
        let contacts = try send("contacts_lock", [workspace, [contact]])
        let open = try send("conversations_lock_open_of_contacts", [workspace, [contact]])
        let triggers = try send("triggers_published", [workspace, "conversation_opened"])
        let channels = try send("conversation_channel", [workspace, channel, contact])
        // Read after the locks, so that an opening is never dated before the closing that it waited for.
        let clock = try send("clock", [workspace])
        guard let row = try contacts.rows().first, try row.decode("erased_at", as: Date?.self) == nil else {
            throw StoreError.notFound(what: "contact")
        }
        if try row.decode("blocked", as: Bool.self) {
            throw StoreError.conflict(.contactBlocked, detail: "The contact is blocked; unblock it first.")
        }
        if let existing = try conversations(from: open).rows.values.first {
            throw StoreError.conflict(
                .conversationAlreadyOpen, detail: "The contact has an open conversation.",
                members: ["conversation_id": .id(existing.id)])
        }
        let channelName = try channels.rows().first?.decode("name", as: String.self)
        if channel != nil, channelName == nil {
            throw StoreError.invalid([
                FieldError(pointer: "/channel_id", code: "unknown-reference", detail: "There is no such channel.")
            ])
        }
        guard let now = try clock.rows().first?.decode("now", as: Date.self) else {
            throw StoreError.notFound(what: "workspace")
        }
        var conversation = Conversation(
            id: newID(), contactID: contact, channelID: channel, source: caller.source, openedAt: now)
        conversation.subject = subject
        conversation.custom = custom ?? .emptyObject
        conversation.priority = priority ?? .normal
        recordOpening(
            of: &conversation, channelName: channelName, message: nil,
            triggers: try triggers.rows().map(PublishedTrigger.init(row:)), by: caller, at: now, in: workspace)
        changes.conversationsInserted.append(conversation)
        return conversation.id
    }
}
