import Core
import Foundation
import Postgres

extension StoreTransaction {
    /// Closes a conversation: its line entry and timers go, its living runs end, the agent has room again.
    ///
    /// The closing note is demanded of agents only, as the workspace says (S29).
    /// - Throws: `StoreError.notFound`, `.conflict(.conversationClosed)`, `.invalid` for a note that does not do.
    public func closeConversation(
        _ id: UUID, category: String?, summary: String?, by caller: Caller, in workspace: UUID
    ) throws {
        changes.workspaceID = workspace
        let contact = try send("contacts_lock_of_conversation", [workspace, id])
        let conversationRow = try send("conversations_lock", [workspace, [id]])
        let policy = try send("closing_policy", [workspace, category])
        let locked = try conversations(from: conversationRow)
        guard var conversation = locked.rows[id], !conversation.isErased else {
            throw StoreError.notFound(what: "conversation")
        }
        try checkOpen(conversation)
        if let row = try policy.rows().first {
            try check(category: category, summary: summary, policy: row, caller)
        }
        try close(
            &conversation, contact: try contact.rows().first.map(ContactRow.init(row:)), category: category,
            summary: summary, by: caller, at: locked.now, in: workspace)
        changes.update(conversation)
    }

    private func check(category: String?, summary: String?, policy: PostgresRow, _ caller: Caller) throws {
        var errors: [FieldError] = []
        if let category, try policy.decode("category_known", as: Int.self) == 0 {
            errors.append(
                FieldError(
                    pointer: "/category", code: "unknown-reference", detail: "There is no closing category \(category)."
                ))
        }
        let demanded: String = try policy.decode("closing_note")
        if caller.source == .agent {
            if category == nil, demanded == "category" || demanded == "category_and_summary" {
                errors.append(
                    FieldError(pointer: "/category", code: "required", detail: "Agents must give a category."))
            }
            if summary == nil, demanded == "category_and_summary" {
                errors.append(FieldError(pointer: "/summary", code: "required", detail: "Agents must give a summary."))
            }
        }
        if !errors.isEmpty { throw StoreError.invalid(errors) }
    }

    /// Closes a conversation whose contact and whose own row are locked. The caller adds the row to `changes`.
    func close(
        _ conversation: inout Conversation, contact: ContactRow?, category: String?, summary: String?,
        by caller: Caller,
        at now: Date, in workspace: UUID
    ) throws {
        let agent = conversation.assignee
        if conversation.waiting {
            changes.entriesDeleted.insert(conversation.id)
            conversation.waiting = false
        }
        let event = conversation.record(
            .conversationClosed, id: newID(), by: caller, at: now,
            data: JSON(present: [
                ("category", category.map { .string($0) }), ("team_id", conversation.team.map { .id($0.id) }),
                ("team_name", conversation.team.map { .text($0.name) }), ("agent_id", agent.map { .id($0.id) }),
                ("agent_name", agent.map { .text($0.name) }),
            ]))
        changes.events.append(event)
        conversation.status = .closed
        conversation.closedAt = event.occurredAt
        conversation.closedSource = caller.source
        conversation.category = category
        conversation.summary = summary
        for row in try query("runs_living_of_conversation", [workspace, conversation.id]) {
            changes.signals.append(
                SignalRow(
                    runID: try row.decode("id"), id: newID(), kind: "closed", visit: nil, dueAt: now, data: .emptyObject
                ))
            nudge(.runs(workspace: workspace))
        }
        guard let agent else { return }
        changes.count(agent: agent.id, by: -1)
        if var contact, contact.lastAssigneeID != agent.id {
            // The contact may have been changed in this very transaction, by the run that closes.
            contact = changes.contactsUpdated[contact.id] ?? contact
            contact.lastAssigneeID = agent.id
            changes.contactsUpdated[contact.id] = contact
        }
        roomAppeared(for: [agent.id], in: workspace)
    }
}

extension ContactRow {
    /// From the columns that `contacts_lock` selects.
    init(row: PostgresRow) throws {
        self.init(id: try row.decode("id"))
        name = try row.decode("name")
        email = try row.decode("email")
        phone = try row.decode("phone")
        language = try row.decode("language")
        tags = try row.decodeJSON("tags").array?.compactMap(\.string) ?? []
        fields = try row.decodeJSON("fields")
        blocked = try row.decode("blocked")
        lastAssigneeID = try row.decode("last_assignee_id")
    }
}
