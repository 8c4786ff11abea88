import Core
import Foundation
import Postgres

extension StoreTransaction {
    /// Has the conversation assigned by strategy as the API was asked to (S22): from the team's line, or the workspace's
    /// without a team.
    ///
    /// When nobody stands in that line and nobody is serving it, it is served here and now; otherwise the conversation
    /// waits its turn. The line's lock is not waited for: a call must not stand behind a server that works on a backlog.
    func enterLine(
        of conversation: inout Conversation, team: Conversation.Named?, strategy: RoutingStrategy,
        _ request: AssignRequest, by caller: Caller, at now: Date, in workspace: UUID
    ) throws {
        if conversation.assignee != nil {
            conversation = try takeBack(conversation, team: team, by: caller, at: now, in: workspace)
        }
        try leaveLine(&conversation, reason: "moved_by_person", at: now, in: workspace)
        recordTeam(of: &conversation, to: team, by: caller, at: now)
        let entry = lineEntry(
            of: conversation, team: team, strategy: strategy, request, by: caller, at: now, in: workspace)
        var decision: UUID?
        let locked = try lockEmptyLine(entry.lineID, in: workspace)
        let agents = try locked.map { try lockAgents(of: [$0], in: workspace) }
        if let locked, let agents, agents.crowded.isEmpty {
            var conversations = [conversation.id: conversation]
            let service = serve(locked, agents, [entry], conversations: &conversations, keepsEmpty: true)
            if !service.served.isEmpty, let assigned = conversations[conversation.id] {
                conversation = assigned
                changes.update(conversation)
                return
            }
            decision = service.decision
        } else {
            changes.marks.insert(entry.lineID)
        }
        conversation.assignedSource = caller.source
        enter(entry, conversation: &conversation, lineName: team?.name, at: now, decision: decision)
        changes.update(conversation)
    }

    /// The place of a conversation in the team's line, or the workspace's without a team, as the API asks for it.
    func lineEntry(
        of conversation: Conversation, team: Conversation.Named?, strategy: RoutingStrategy, _ request: AssignRequest,
        by caller: Caller, at now: Date, in workspace: UUID
    ) -> LineEntryRow {
        LineEntryRow(
            id: newID(), conversationID: conversation.id, lineID: team?.id ?? workspace,
            lineKind: team == nil ? .workspace : .team, runID: nil, visit: nil, step: nil,
            priority: conversation.priority, queuedAt: now, enteredAt: now, strategy: strategy,
            onlyOnline: request.onlyOnline, maxOpen: request.maxOpen, caller: caller)
    }

    /// The line under its lock, unless somebody serves it right now or stands in it.
    private func lockEmptyLine(_ line: UUID, in workspace: UUID) throws -> LockedLine? {
        // The conversation may have stood in this very line.
        try flushEntries(workspace)
        let taken = try send("lines_take_free", [workspace, [line]])
        let waiting = try send("lines_waiting", [workspace, [line]])
        guard let row = try taken.rows().first, try waiting.rows().isEmpty else { return nil }
        return try LockedLine(row: row)
    }

    /// Adds the entry and says so in an event. Serving it is somebody else's business: mark the line, or serve it.
    func enter(
        _ entry: LineEntryRow, conversation: inout Conversation, lineName: String?, at now: Date, decision: UUID? = nil
    ) {
        conversation.waiting = true
        changes.events.append(
            conversation.record(
                .conversationWaiting, id: newID(), by: entry.caller, at: now,
                data: JSON(present: [
                    ("line_id", .id(entry.lineID)), ("line_kind", .string(entry.lineKind.rawValue)),
                    ("line_name", lineName.map { .string($0) }), ("strategy", .string(entry.strategy.rawValue)),
                    ("entered_at", .instant(entry.enteredAt)), ("queued_at", .instant(entry.queuedAt)),
                    ("run_id", entry.runID.map { .id($0) }), ("decision_id", decision.map { .id($0) }),
                ])))
        changes.entriesInserted.append(entry)
    }

    /// Takes a waiting conversation out of its line and tells the run that waited there, if one did (S14).
    func leaveLine(_ conversation: inout Conversation, reason: String, at now: Date, in workspace: UUID) throws {
        guard conversation.waiting else { return }
        conversation.waiting = false
        guard let row = try query("line_entry_of_conversation", [workspace, conversation.id]).first else { return }
        changes.entriesDeleted.insert(conversation.id)
        guard let run = try row.decode("run_id", as: UUID?.self) else { return }
        changes.signals.append(
            SignalRow(
                runID: run, id: newID(), kind: "assigned", visit: try row.decode("visit"), dueAt: now,
                data: ["reason": .string(reason)]))
        nudge(.runs(workspace: workspace))
    }

    /// Marks the lines in which somebody waits for one of these agents.
    ///
    /// What was gathered is sent first, and the look for waiting entries is a statement of its own after it: only its
    /// newer snapshot sees an entry that a line's server committed while we waited for the agent's lock.
    func roomAppeared(for agents: Set<UUID>, in workspace: UUID) {
        roomFor.formUnion(agents)
        changes.workspaceID = workspace
    }

    /// Marks the lines of every agent who has room now; the last thing before the commit.
    func markRoom() throws {
        guard let workspace = changes.workspaceID else { return }
        for agent in roomFor { try markLines(ofAgent: agent, in: workspace) }
        roomFor = []
    }
}
