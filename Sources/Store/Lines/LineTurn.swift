import Core
import Foundation
import Postgres

/// What serving a line from its stored entries came to.
public enum LineTurn: Sendable, Equatable {
    /// Nobody waits, or nobody who waits can be served before something changes.
    case settled(served: Int)
    /// More can be served at once.
    case more(served: Int)
    /// The line, or the first in it, is held by another transaction; first come, first served means waiting for it.
    case blocked(served: Int)

    /// How many were given to an agent.
    public var served: Int {
        switch self {
        case .settled(let served), .more(let served), .blocked(let served): served
        }
    }
}

extension StoreTransaction {
    /// Serves a line's waiting entries in order, at most `limit` of them: those whom somebody with room may take, so that
    /// who stands behind a demand that nobody meets is served all the same (S15).
    ///
    /// Waits for no line and no conversation that somebody else has locked (S19): the turn ends there, so that nobody
    /// overtakes.
    public func serveLine(_ line: UUID, limit: Int = 200, in workspace: UUID) throws -> LineTurn {
        changes.workspaceID = workspace
        let markRows = try send("line_marks_of", [workspace, line])
        let room = try query("line_room", [workspace, line]).first
        let marks = try markRows.rows().map { try $0.decode("id", as: UUID.self) }
        let head: [any PostgresBindable] = [
            workspace, line, limit, try room?.decode("online", as: Int?.self), try room?.decode("any", as: Int?.self),
        ]
        // No locks yet: a line without room, or without anybody to give it to, costs three look-ups.
        let first = try query("line_entries_head", head).map { try $0.decode("conversation_id", as: UUID.self) }
        guard !first.isEmpty else { return try settle(line, marks, workspace) }
        try boundLocks()
        guard let row = try query("lines_take_free", [workspace, [line]]).first else { return .blocked(served: 0) }
        let locked = try LockedLine(row: row)
        let conversationRows = try send("conversations_lock_free", [workspace, first])
        // Read again under these locks: who was served, closed or taken out meanwhile is gone.
        let entries = try query("line_entries_head", head).map { try LineEntryRow(row: $0, line: locked) }
        var conversations = try self.conversations(from: conversationRows).rows
        let ready = entries.prefix { conversations[$0.conversationID].map { $0.status != .closed } ?? false }
        guard !ready.isEmpty else {
            return entries.isEmpty ? try settle(line, marks, workspace) : .blocked(served: 0)
        }
        let agents = try lockAgents(of: [locked], in: workspace)
        let (served, _) = serve(locked, agents, Array(ready), conversations: &conversations, keepsEmpty: false)
        for one in served {
            changes.entriesDeleted.insert(one.entry.conversationID)
            if let conversation = conversations[one.entry.conversationID] { changes.update(conversation) }
            guard let run = one.entry.runID else { continue }
            changes.signals.append(
                SignalRow(
                    runID: run, id: newID(), kind: "assigned", visit: one.entry.visit, dueAt: agents.now,
                    data: ["agent_id": .id(one.agent.id), "source": .string(one.entry.caller.source.rawValue)]))
            nudge(.runs(workspace: workspace))
        }
        if ready.count < entries.count { return .blocked(served: served.count) }
        if !served.isEmpty, entries.count == limit { return .more(served: served.count) }
        if served.isEmpty { return try settle(line, marks, workspace) }
        try send("line_marks_clear", [workspace, line, marks])
        return .settled(served: served.count)
    }

    private func settle(_ line: UUID, _ marks: [UUID], _ workspace: UUID) throws -> LineTurn {
        if !marks.isEmpty { try send("line_marks_clear", [workspace, line, marks]) }
        try send("line_touch", [workspace, line])
        return .settled(served: 0)
    }
}

extension LineEntryRow {
    /// From the columns that `line_entries_head` selects.
    init(row: PostgresRow, line: LockedLine) throws {
        let rank: Int = try row.decode("priority")
        let actor = try row.decodeJSON("actor")
        self.init(
            id: try row.decode("id"), conversationID: try row.decode("conversation_id"), lineID: line.id,
            lineKind: line.kind,
            runID: try row.decode("run_id"), visit: try row.decode("visit"), step: try row.decode("step"),
            priority: Priority.allCases.first { $0.rank == rank } ?? .normal, queuedAt: try row.decode("queued_at"),
            enteredAt: try row.decode("entered_at"),
            strategy: RoutingStrategy(rawValue: try row.decode("strategy")) ?? .roundRobin,
            onlyOnline: try row.decode("only_online"), maxOpen: try row.decode("max_open"),
            caller: Caller(
                source: Source(rawValue: try row.decode("source")) ?? .system,
                actor: Actor(
                    kind: actor["type"]?.string ?? "system", id: actor["id"]?.string.flatMap(UUID.init(uuidString:)),
                    name: actor["name"]?.string)))
    }
}
