import Core
import Foundation
import Postgres

extension StoreTransaction {
    /// Erases what was said in a conversation and leaves a tombstone: facts and counts stay, words go (S24).
    ///
    /// An open conversation is closed first, by the system.
    public func eraseConversation(
        _ id: UUID, if precondition: Precondition<ConversationRecord>? = nil, by caller: Caller, in workspace: UUID
    ) throws {
        changes.workspaceID = workspace
        let contact = try send("contacts_lock_of_conversation", [workspace, id])
        let locked = try lockConversations([id], in: workspace)
        guard var conversation = locked.rows[id], !conversation.isErased else {
            throw StoreError.notFound(what: "conversation")
        }
        try demand(precondition, in: workspace, self.conversation(id, in: workspace))
        if conversation.status != .closed {
            try close(
                &conversation, contact: try contact.rows().first.map(ContactRow.init(row:)), category: nil,
                summary: nil,
                by: .system, at: locked.now, in: workspace)
        }
        changes.events.append(
            conversation.record(.conversationErased, id: newID(), by: caller, at: locked.now))
        changes.update(conversation)
        try flush()
        for statement in [
            "conversation_erase_messages", "conversation_erase_comments", "conversation_erase_run_log",
            "conversation_erase_runs", "conversation_erase_outbox", "conversation_erase",
        ] {
            try send(statement, [workspace, id])
        }
        try forgetAnswers(about: id, in: workspace)
    }
}
