import Core
import Foundation
import Postgres

extension StoreTransaction {
    /// Lines, who left and who entered them, what was decided, and the agents' counters.
    func flushLines(_ workspace: UUID) throws {
        try flushEntries(workspace)
        try flushDecisions(workspace)
        try flushAgents(workspace)
    }

    /// Who left and who entered lines, and the lines; without the agents, whose locks come last (S19).
    func flushEntries(_ workspace: UUID) throws {
        // The order of one conversation moving from line to line: out of the old, into the new.
        let left = changes.entriesDeleted
        if !left.isEmpty {
            try send("changes_delete_line_entries", [workspace, Array(left)])
            changes.entriesDeleted = []
        }
        let entries = changes.entriesInserted
        if !entries.isEmpty {
            try send(
                "changes_insert_line_entries",
                [
                    workspace, entries.map(\.conversationID), entries.map(\.id), entries.map(\.lineID),
                    entries.map(\.runID), entries.map(\.visit), entries.map(\.step), entries.map(\.priority.rank),
                    entries.map(\.queuedAt), entries.map(\.enteredAt), entries.map(\.strategy.rawValue),
                    entries.map(\.onlyOnline), entries.map(\.maxOpen), entries.map(\.caller.source.rawValue),
                    entries.map { $0.caller.actor.json.text },
                ])
            changes.entriesInserted = []
        }
        let marks = Array(changes.marks)
        if !marks.isEmpty {
            try send("changes_insert_line_marks", [workspace, marks, marks.map { _ in newID() }])
            for line in marks { nudge(.line(workspace: workspace, line: line)) }
            changes.marks = []
        }
        let lines = changes.lines
        if !lines.isEmpty {
            try send("changes_update_lines", [workspace, lines.map(\.id), lines.map(\.lastTurn)])
            changes.lines = []
        }
    }

    private func flushDecisions(_ workspace: UUID) throws {
        let decisions = changes.decisions
        if !decisions.isEmpty {
            try send(
                "changes_insert_decisions",
                [
                    workspace, decisions.map(\.id), decisions.map(\.lineID), decisions.map(\.lineKind.rawValue),
                    decisions.map(\.lineName), decisions.map(\.occurredAt), decisions.map { $0.candidates.text },
                    decisions.map(\.served), decisions.map(\.waiting),
                ])
            changes.decisions = []
        }
        let rows = changes.assignments
        if !rows.isEmpty {
            try send(
                "changes_insert_assignments",
                [
                    workspace, rows.map(\.id), rows.map(\.conversationID), rows.map(\.kind.rawValue),
                    rows.map(\.occurredAt), rows.map(\.caller.source.rawValue), rows.map { $0.caller.actor.json.text },
                    rows.map { $0.viaLine ? "line" : "direct" },
                    rows.map { $0.agent?.id }, rows.map { $0.agent?.name },
                    rows.map { $0.previous?.id }, rows.map { $0.previous?.name },
                    rows.map { $0.team?.id }, rows.map { $0.team?.name }, rows.map(\.channelID), rows.map(\.runID),
                    rows.map(\.decisionID), rows.map(\.position), rows.map { $0.strategy?.rawValue },
                    rows.map(\.enteredAt), rows.map(\.queuedAt),
                ])
            changes.assignments = []
        }
    }

    private func flushAgents(_ workspace: UUID) throws {
        let counts = changes.openCounts.filter { $0.value != 0 }
        if !counts.isEmpty {
            let agents = Array(counts.keys)
            let free = agents.filter { !lockedAgents.contains($0) }
            if !free.isEmpty { try send("agents_lock", [workspace, free]) }
            lockedAgents.formUnion(free)
            try send("changes_count_open", [workspace, agents, agents.map { counts[$0] ?? 0 }])
        }
        changes.openCounts = [:]
        if !changes.agentTurns.isEmpty {
            let agents = Array(changes.agentTurns.keys)
            try send("changes_agent_turns", [workspace, agents, agents.map { changes.agentTurns[$0] ?? 0 }])
            changes.agentTurns = [:]
        }
        if !changes.memberTurns.isEmpty {
            let keys = Array(changes.memberTurns.keys)
            try send(
                "changes_member_turns",
                [workspace, keys.map(\.teamID), keys.map(\.agentID), keys.map { changes.memberTurns[$0] ?? 0 }])
            changes.memberTurns = [:]
        }
    }
}
