import Core
import Foundation
import OrderedCollections
import Postgres

extension RunEffect {
    var entersLine: Bool {
        if case .enterLine = action { true } else { false }
    }
}

extension RunBatch {
    /// The facts that a run may know, as this transaction has made them so far.
    func facts(of run: ClaimedRun) -> RunFacts {
        let contact = contacts[run.contactID] ?? ContactRow(id: run.contactID)
        let conversation =
            conversations[run.conversationID]
            ?? Conversation(
                id: run.conversationID, contactID: run.contactID, channelID: nil, source: .system, openedAt: now)
        var fields: [String: JSON] = [:]
        for (name, value) in contact.fields.object ?? [:] { fields[name] = value }
        return RunFacts(
            contact: ContactFacts(
                id: contact.id, name: contact.name, email: contact.email, phone: contact.phone,
                language: contact.language, tags: contact.tags, fields: fields,
                lastAssigneeID: contact.lastAssigneeID.flatMap { livingAgents.contains($0) ? $0 : nil }),
            conversation: ConversationFacts(
                id: conversation.id, status: conversation.status, source: conversation.source,
                channelID: conversation.channelID, channelName: conversation.channelID.flatMap { channels[$0]?.name },
                teamID: conversation.team?.id, teamName: conversation.team?.name, assigneeID: conversation.assignee?.id,
                assignedByPerson: conversation.assignedSource.map { $0 == .agent || $0 == .api } ?? false,
                priority: conversation.priority, openedAt: conversation.openedAt,
                queuedAt: conversation.waiting ? entries[conversation.id]?.queuedAt : nil),
            messageText: run.messageID.flatMap { messages[$0] }, timeZone: timeZone)
    }

    /// Does in the database what a step asked for; what concerns the world outside goes to the outbox.
    func apply(_ effect: RunEffect, of run: ClaimedRun, _ caller: Caller) throws {
        guard var conversation = conversations[run.conversationID] else { return }
        switch effect.action {
        case .updateContactField(let name, let value): try change(run, field: name, to: value, visit: effect.visit)
        case .updateTags(let add, let remove): change(run.contactID, add: add, remove: remove)
        case .setTimer(let due):
            tx.changes.signals.append(
                SignalRow(
                    runID: run.id, id: tx.newID(), kind: "timer", visit: effect.visit, dueAt: due, data: .emptyObject))
        case .sendMessage(let text):
            tx.recordMessage(
                text, id: conversation.nextID(at: now), key: effect.key(run: run.id), in: &conversation,
                channel: try outgoingChannel(of: conversation), by: caller, at: now, workspace: workspace,
                run: run.id, trace: run.trace)
        case .addComment(let text):
            _ = tx.recordComment(text, in: &conversation, by: caller, at: now, run: run.id)
        case .closeConversation(let category, let summary):
            try close(&conversation, category, summary, run, caller)
        case .enterLine(let request): try enterLine(request, &conversation, run, caller)
        case .unassign:
            try tx.leaveLine(&conversation, reason: "unassigned", at: now, in: workspace)
            entries[conversation.id] = nil
            if conversation.assignee != nil {
                conversation = try tx.takeBack(
                    conversation, team: conversation.team, by: caller, at: now, in: workspace)
            }
        }
        conversations[conversation.id] = conversation
        touched.insert(conversation.id)
    }

    /// Writes a contact's field. A value that is none of the field's kind leaves it as it was, with a line in the log (S27).
    private func change(_ run: ClaimedRun, field name: String, to value: JSON?, visit: Int) throws {
        guard var row = contacts[run.contactID] else { return }
        switch name {
        case "name": row.name = value?.string
        case "email": row.email = value?.string
        case "phone": row.phone = value?.string
        case "language": row.language = value?.string
        default:
            var fields = row.fields.object ?? [:]
            if let value {
                guard let fitting = try kind(of: name).value(from: value) else {
                    tx.changes.runLog.append(
                        RunLogRow(
                            id: tx.newID(), runID: run.id, occurredAt: now, step: run.state.step, visit: visit,
                            kind: "dropped", port: nil, data: ["field": .string(name), "reason": "value_does_not_fit"]))
                    return
                }
                fields[name] = fitting
                tx.changes.fieldsUsed.insert(name)
            } else {
                fields[name] = nil
            }
            row.fields = .object(fields)
        }
        guard row != contacts[run.contactID] else { return }
        contacts[run.contactID] = row
        changedContacts[run.contactID, default: []].insert(name)
    }

    /// What nobody defined becomes text.
    private func kind(of field: String) throws -> ContactFieldDefinition.Kind {
        if let known = fieldKinds[field] { return known }
        let kind = try tx.fieldKinds([field], in: workspace)[field] ?? .text
        fieldKinds[field] = kind
        return kind
    }

    private func change(_ contact: UUID, add: [String], remove: [String]) {
        guard var row = contacts[contact] else { return }
        row.tags.removeAll { remove.contains($0) }
        row.tags += add.filter { !row.tags.contains($0) }
        guard row.tags != contacts[contact]?.tags else { return }
        contacts[contact] = row
        changedContacts[contact, default: []].insert("tags")
    }

    private func outgoingChannel(of conversation: Conversation) throws -> OutgoingChannel? {
        try tx.query("conversation_channel", [workspace, conversation.channelID, conversation.contactID]).first
            .map(OutgoingChannel.init(row:))
    }

    private func close(
        _ conversation: inout Conversation, _ category: String?, _ summary: String?, _ run: ClaimedRun, _ caller: Caller
    ) throws {
        guard conversation.status != .closed else { return }
        try tx.close(
            &conversation, contact: contacts[run.contactID], category: category, summary: summary, by: caller, at: now,
            in: workspace)
        if let contact = tx.changes.contactsUpdated[run.contactID] {
            contacts[run.contactID]?.lastAssigneeID = contact.lastAssigneeID
        }
        // The run that closes goes on with what needs no open conversation; the others hear of it.
        tx.changes.signals.removeAll { $0.runID == run.id && $0.kind == "closed" }
        pending.removeAll { $0.conversationID == conversation.id }
    }

    private func enterLine(
        _ request: LineRequest, _ conversation: inout Conversation, _ run: ClaimedRun, _ caller: Caller
    ) throws {
        guard conversation.status != .closed else { return }
        if conversation.assignee != nil {
            conversation = try tx.takeBack(conversation, team: conversation.team, by: caller, at: now, in: workspace)
        }
        if let standing = entries[conversation.id], conversation.waiting {
            tx.changes.entriesDeleted.insert(conversation.id)
            if let other = standing.runID, other != run.id { tell(other, visit: standing.visit) }
            conversation.waiting = false
            entries[conversation.id] = nil
            // It may have been entered by this very transaction.
            tx.changes.entriesInserted.removeAll { $0.conversationID == conversation.id }
        }
        // Two workflows that ask for the same conversation at once: it stands in one line only, the later one's.
        if let other = pending.firstIndex(where: { $0.conversationID == conversation.id }) {
            let entry = pending.remove(at: other)
            if let moved = entry.runID, moved != run.id { tell(moved, visit: entry.visit) }
        }
        let (line, kind): (UUID, LineKind) =
            switch request.target {
            case .team(let id): (id, .team)
            case .agent(let id): (id, .agent)
            case .workspace: (workspace, .workspace)
            }
        pending.append(
            LineEntryRow(
                id: tx.newID(), conversationID: conversation.id, lineID: line, lineKind: kind, runID: run.id,
                visit: request.visit, step: run.state.step, priority: conversation.priority, queuedAt: request.queuedAt,
                enteredAt: now, strategy: request.strategy, onlyOnline: request.onlyOnline, maxOpen: request.maxOpen,
                caller: caller))
    }

    /// Another run's waiting is over: its conversation was moved to the line that a later run asked for.
    private func tell(_ run: UUID, visit: Int?) {
        tx.changes.signals.append(
            SignalRow(
                runID: run, id: tx.newID(), kind: "assigned", visit: visit, dueAt: now,
                data: ["reason": "moved_by_workflow"]))
        tx.nudge(.runs(workspace: workspace))
    }
}
