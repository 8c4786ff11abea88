import Core
import Foundation
import Postgres

/// What serving a line from its stored entries came to.
public enum LineTurn: Sendable, Equatable {
    /// Nobody waits, or nobody who waits can be served before something changes.
    case settled(served: Int)
    /// More can be served at once, from the front.
    case more(served: Int)
    /// None of these could be served; whoever stands behind them may ask less.
    case deeper(after: LinePlace)
    /// The first in line is held by another transaction; first come, first served means waiting for it.
    case blocked(served: Int)
    /// Another worker's line.
    case leased
}

/// A place in a line's order.
public struct LinePlace: Sendable, Equatable {
    let priority: Int
    let queuedAt: Date
    let id: UUID
}

extension StoreTransaction {
    /// Serves a line's waiting entries in order, at most `limit` of them.
    ///
    /// The conversations are locked before the line and its agents (S19). An entry that came before the locked ones in the
    /// meantime stops the turn there, so that nobody overtakes.
    /// - Parameter place: where to begin; nil is the front.
    public func serveLine(
        _ line: UUID, after place: LinePlace? = nil, holder: LineHolder, limit: Int = 200, in workspace: UUID
    ) throws -> LineTurn {
        changes.workspaceID = workspace
        let marks = try send("line_marks_of", [workspace, line])
        let head = try sendEntries(line, after: place, limit, workspace)
        let seen = try marks.rows().map { try $0.decode("id", as: UUID.self) }
        let first = try head.rows().map(LineEntryRow.init(row:))
        if first.isEmpty { return try settle(line, seen, workspace) }
        // Cheap and without locks: is there anybody at all who might take one of them?
        let lenient = first.contains { !$0.onlyOnline } || first.count == limit
        if let row = try query("line_could_serve", [workspace, line, lenient]).first,
            try !row.decode("could", as: Bool.self)
        {
            return try settle(line, seen, workspace)
        }
        var conversations = try lockConversations(first.map(\.conversationID), in: workspace).rows
        guard let row = try query("lines_lock", [workspace, line, holder.id]).first else { return .settled(served: 0) }
        let locked = try LockedLine(row: row)
        guard locked.isFree else { return .leased }
        // Read again under the line's lock: who was served or closed meanwhile is gone.
        let entries = try sendEntries(line, after: place, limit, workspace).rows().map {
            try LineEntryRow(row: $0, line: locked)
        }
        let ready = entries.prefix { conversations[$0.conversationID].map { $0.status != .closed } ?? false }
        try send("line_marks_clear", [workspace, line, seen])
        guard !ready.isEmpty else {
            return entries.isEmpty ? .settled(served: 0) : .blocked(served: 0)
        }
        let served = try serve(locked, Array(ready), conversations: &conversations, holder: holder, in: workspace)
        for one in served {
            changes.entriesDeleted.insert(one.entry.conversationID)
            if let conversation = conversations[one.entry.conversationID] { changes.update(conversation) }
            guard let run = one.entry.runID else { continue }
            changes.signals.append(
                SignalRow(
                    runID: run, id: newID(), kind: "assigned", visit: one.entry.visit,
                    dueAt: changes.decisions.last?.occurredAt ?? Date(),
                    data: ["agent_id": .id(one.agent.id), "source": .string(one.entry.caller.source.rawValue)]))
            nudge(.runs(workspace: workspace))
        }
        if ready.count < entries.count { return .blocked(served: served.count) }
        guard entries.count == limit, let last = entries.last else { return .settled(served: served.count) }
        if !served.isEmpty { return .more(served: served.count) }
        return .deeper(after: LinePlace(priority: last.priority.rank, queuedAt: last.queuedAt, id: last.id))
    }

    private func sendEntries(_ line: UUID, after place: LinePlace?, _ limit: Int, _ workspace: UUID) throws
        -> PendingRows
    {
        guard let place else { return try send("line_entries_head", [workspace, line, limit]) }
        return try send("line_entries_after", [workspace, line, limit, place.priority, place.queuedAt, place.id])
    }

    private func settle(_ line: UUID, _ marks: [UUID], _ workspace: UUID) throws -> LineTurn {
        if !marks.isEmpty { try send("line_marks_clear", [workspace, line, marks]) }
        try send("line_touch", [workspace, line])
        return .settled(served: 0)
    }
}

extension LineEntryRow {
    /// From the columns that `line_entries_head` selects.
    init(row: PostgresRow) throws {
        try self.init(row: row, lineID: UUID(), kind: .workspace)
    }

    init(row: PostgresRow, line: LockedLine) throws {
        try self.init(row: row, lineID: line.id, kind: line.kind)
    }

    private init(row: PostgresRow, lineID: UUID, kind: LineKind) throws {
        let rank: Int = try row.decode("priority")
        let actor = try row.decodeJSON("actor")
        self.init(
            id: try row.decode("id"), conversationID: try row.decode("conversation_id"), lineID: lineID, lineKind: kind,
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
