import Core
import Foundation
import Postgres

/// Where a conversation's outgoing messages go.
struct OutgoingChannel {
    let id: UUID
    let name: String
    let kind: String
    /// Nil: the channel has nowhere to deliver to; its client reads the messages itself.
    let url: String?
    let externalID: String?

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        name = try row.decode("name")
        kind = try row.decode("kind")
        url = try row.decode("url")
        externalID = try row.decode("external_id")
    }
}

extension StoreTransaction {
    /// Sends `text` to the conversation's contact: the message, its event and the effect that delivers it commit together.
    ///
    /// A message of source `agent` is a human reply; the first one is the conversation's first response.
    /// - Returns: the message's id.
    public func sendMessage(_ text: String, in id: UUID, by caller: Caller, workspace: UUID) throws -> UUID {
        changes.workspaceID = workspace
        var (conversation, now) = try lockConversation(id, in: workspace)
        try checkOpen(conversation)
        let channel = try query("conversation_channel", [workspace, conversation.channelID, conversation.contactID])
            .first
            .map(OutgoingChannel.init(row:))
        let message = conversation.nextID(at: now)
        recordMessage(
            text, id: message, key: "message/\(message.lowercased)", in: &conversation, channel: channel, by: caller,
            at: now, workspace: workspace)
        changes.update(conversation)
        return message
    }

    /// The message, its event and its effect. The conversation's row is locked and added to `changes` by the caller.
    func recordMessage(
        _ text: String, id: UUID, key: String, in conversation: inout Conversation, channel: OutgoingChannel?,
        by caller: Caller, at now: Date, workspace: UUID, run: UUID? = nil, trace: TraceContext? = nil
    ) {
        var data: [(String, JSON?)] = [
            ("message_id", .id(id)), ("channel_id", channel.map { .id($0.id) }), ("run_id", run.map { .id($0) }),
        ]
        if let agent = caller.agentID {
            data += [
                ("agent_id", .id(agent)), ("agent_name", .text(caller.actor.name)),
                ("team_id", conversation.team.map { .id($0.id) }),
                ("team_name", conversation.team.map { .text($0.name) }),
            ]
        }
        let effect = conversation.nextID(at: now)
        let event = conversation.record(.messageSent, id: newID(), by: caller, at: now, data: JSON(present: data))
        changes.events.append(event)
        if caller.source == .agent, conversation.firstReply == nil {
            conversation.firstReply = Conversation.FirstReply(
                at: event.occurredAt, agent: caller.agentID.map { Conversation.Named(id: $0, name: caller.actor.name) },
                team: conversation.team)
        }
        let delivers = channel?.url != nil && channel?.externalID != nil
        changes.messages.append(
            MessageRow(
                id: id, conversationID: conversation.id, contactID: conversation.contactID,
                channelID: conversation.channelID, incoming: false, source: caller.source, agentID: caller.agentID,
                runID: run, text: text, status: delivers ? "pending" : "sent", sentAt: event.occurredAt,
                createdAt: event.occurredAt))
        guard delivers, let channel, let externalID = channel.externalID else { return }
        changes.outbox.append(
            OutboxRow(
                id: effect, key: key, kind: "message", channelID: channel.id, conversationID: conversation.id,
                messageID: id, runID: run,
                body: JSON(fields: [
                    ("message_id", .id(id)), ("conversation_id", .id(conversation.id)),
                    ("contact_id", .id(conversation.contactID)), ("external_id", .string(externalID)),
                    ("text", .string(text)), ("source", .string(caller.source.rawValue)),
                    ("sent_at", .instant(event.occurredAt)),
                ]), createdAt: event.occurredAt, trace: trace ?? self.trace))
        nudge(.outbox(workspace: workspace))
    }

    /// Adds an internal note. Allowed on a closed conversation: notes are not part of the exchange.
    /// - Returns: the comment's id.
    public func addComment(_ text: String, in id: UUID, by caller: Caller, workspace: UUID) throws -> UUID {
        changes.workspaceID = workspace
        var (conversation, now) = try lockConversation(id, in: workspace)
        let comment = recordComment(text, in: &conversation, by: caller, at: now)
        changes.update(conversation)
        return comment
    }

    func recordComment(
        _ text: String, in conversation: inout Conversation, by caller: Caller, at now: Date, run: UUID? = nil
    ) -> UUID {
        let comment = conversation.nextID(at: now)
        let event = conversation.record(
            .commentCreated, id: newID(), by: caller, at: now, data: ["comment_id": .id(comment)])
        changes.events.append(event)
        changes.comments.append(
            CommentRow(
                id: comment, conversationID: conversation.id, source: caller.source, agentID: caller.agentID,
                runID: run,
                text: text, createdAt: event.occurredAt))
        return comment
    }

    /// Locks a conversation that is about to be patched and asks what the caller demands of it.
    public func lockConversation(
        _ id: UUID, if precondition: Precondition<ConversationRecord>?, in workspace: UUID
    ) throws {
        _ = try lockConversation(id, in: workspace)
        try demand(precondition, in: workspace, conversation(id, in: workspace))
    }

    /// Changes what may be changed by hand. A new priority moves a waiting conversation in its line.
    public func patchConversation(
        _ id: UUID, priority: Priority?, subject: Patch<String>, custom: Patch<JSON>, by caller: Caller,
        in workspace: UUID
    ) throws {
        changes.workspaceID = workspace
        var (conversation, now) = try lockConversation(id, in: workspace)
        if let priority, priority != conversation.priority {
            try checkOpen(conversation)
            changes.events.append(
                conversation.record(
                    .conversationPriorityChanged, id: newID(), by: caller, at: now,
                    data: [
                        "priority": .string(priority.rawValue), "previous": .string(conversation.priority.rawValue),
                    ]))
            conversation.priority = priority
            if conversation.waiting { try send("line_entry_reprioritise", [workspace, id, priority.rank]) }
        }
        switch subject {
        case .absent: break
        case .null: conversation.subject = nil
        case .value(let text): conversation.subject = text
        }
        switch custom {
        case .absent: break
        case .null: conversation.custom = .emptyObject
        case .value(let object): conversation.custom = object
        }
        changes.update(conversation)
    }
}
