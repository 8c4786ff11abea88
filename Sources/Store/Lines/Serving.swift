import Core
import Foundation
import Postgres

/// A line under its row lock: nobody else serves it until this transaction ends.
struct LockedLine {
    let id: UUID
    let kind: LineKind
    let name: String?
    let lastTurn: Int64
    /// Not leased to another living worker.
    let isFree: Bool

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        kind = LineKind(rawValue: try row.decode("kind")) ?? .workspace
        name = try row.decode("name")
        lastTurn = try row.decode("last_turn")
        isFree = try row.decode("free")
    }
}

/// Who serves: the worker's id, and how long the line stays its own without being served again.
public struct LineHolder: Sendable {
    public let id: UUID
    /// Seconds. A dead worker's lines wait at most this long; a living one renews by serving.
    public let leaseSeconds: Double

    public init(id: UUID, leaseSeconds: Double = 5) {
        self.id = id
        self.leaseSeconds = leaseSeconds
    }
}

/// One conversation that got its agent.
struct Served {
    let entry: LineEntryRow
    let agent: Conversation.Named
}

extension StoreTransaction {
    /// Serves entries of a locked line: locks its agents, lets `Core` choose, and records the decision, the assignments,
    /// their events and the counters.
    ///
    /// - Parameters:
    ///   - entries: in line order; all of them, or the first of them.
    ///   - holder: whose the line is from now on; nil leaves it to whom it belongs.
    ///   - conversations: locked; changed here and left for the caller to write.
    ///   - keepsEmpty: whether a decision that gave nothing to anybody is kept, because entries refer to it.
    /// - Returns: who was served, in order, and the decision. Taking entries out is the caller's, who knows whether they
    ///   were stored.
    func serve(
        _ line: LockedLine, _ entries: [LineEntryRow], conversations: inout [UUID: Conversation], holder: LineHolder?,
        keepsEmpty: Bool, in workspace: UUID
    ) throws -> (served: [Served], decision: UUID?, at: Date) {
        let statement =
            switch line.kind {
            case .team: "line_candidates_of_team"
            case .agent: "line_candidates_of_agent"
            case .workspace: "line_candidates_of_workspace"
            }
        var now = Date.distantPast
        let candidates = try query(statement, [workspace, line.id]).map { row in
            now = try row.decode("now")
            let id: UUID = try row.decode("id")
            return LineCandidate(
                agentID: id, name: try row.decode("name"),
                presence: Agent.Presence(rawValue: try row.decode("presence")) ?? .offline,
                // Counts that this transaction has gathered and not yet sent are facts, too.
                openCount: try row.decode("open_count") + (changes.openCounts[id] ?? 0),
                maxOpen: try row.decode("max_open"), turn: try row.decode("turn"))
        }
        if candidates.isEmpty, let row = try query("clock", [workspace]).first { now = try row.decode("now") }
        let service = Core.serve(
            entries.map {
                LineEntryFacts(
                    id: $0.id, conversationID: $0.conversationID, strategy: $0.strategy, onlyOnline: $0.onlyOnline,
                    maxOpen: $0.maxOpen)
            }, candidates: candidates, lastTurn: max(line.lastTurn, candidates.map(\.turn).max() ?? 0))
        guard keepsEmpty || !service.picks.isEmpty else { return ([], nil, now) }
        let decision = newID()
        changes.decisions.append(
            DecisionRow(
                id: decision, lineID: line.id, lineKind: line.kind, lineName: line.name, occurredAt: now,
                candidates: .array(candidates.map { $0.json(for: entries) }), served: service.picks.count,
                waiting: service.waiting.count))
        let served = service.picks.compactMap { pick -> Served? in
            let entry = entries[pick.entry]
            let candidate = candidates[pick.candidate]
            guard var conversation = conversations[entry.conversationID] else { return nil }
            let agent = Conversation.Named(id: candidate.agentID, name: candidate.name)
            if line.kind == .team { conversation.team = Conversation.Named(id: line.id, name: line.name) }
            recordAssignment(
                of: &conversation, to: agent, previous: conversation.assignee, by: entry.caller, at: now, viaLine: true,
                run: entry.runID, decision: decision, position: pick.position, strategy: entry.strategy,
                enteredAt: entry.enteredAt, queuedAt: entry.queuedAt)
            conversations[entry.conversationID] = conversation
            return Served(entry: entry, agent: agent)
        }
        recordTurns(of: line, before: candidates, after: service.candidates)
        changes.lines.append(
            LineRow(
                id: line.id, owner: holder?.id, lastTurn: service.lastTurn, leaseSeconds: holder?.leaseSeconds))
        return (served, decision, now)
    }

    /// A turn belongs to the team, not to the step; in the workspace's line, to the agent (S18). An agent's own line has
    /// nobody to take turns with.
    private func recordTurns(of line: LockedLine, before: [LineCandidate], after: [LineCandidate]) {
        for (old, new) in zip(before, after) where old.turn != new.turn && line.kind != .agent {
            if line.kind == .team {
                changes.memberTurns[MemberKey(teamID: line.id, agentID: new.agentID)] = new.turn
            } else {
                changes.agentTurns[new.agentID] = new.turn
            }
        }
    }
}

extension LineCandidate {
    /// The facts as the decision keeps them, with the reason why the first entry could not have had this agent.
    func json(for entries: [LineEntryRow]) -> JSON {
        let skipped = entries.first.flatMap { entry in
            skipReason(
                for: LineEntryFacts(
                    id: entry.id, conversationID: entry.conversationID, strategy: entry.strategy,
                    onlyOnline: entry.onlyOnline, maxOpen: entry.maxOpen))
        }
        return JSON(present: [
            ("agent_id", .id(agentID)), ("agent_name", .string(name)), ("presence", .string(presence.rawValue)),
            ("open_count", .integer(Int64(openCount))), ("max_open", maxOpen.map { .integer(Int64($0)) }),
            ("turn", .integer(turn)), ("skipped", skipped.map { .string($0.rawValue) }),
        ])
    }
}
