import Core
import Foundation
import Postgres

/// One conversation that got its agent.
struct Served {
    let entry: LineEntryRow
    let agent: Conversation.Named
}

extension StoreTransaction {
    /// Serves entries of a locked line: lets `Core` choose among its locked agents, and records the decision, the
    /// assignments, their events and the counters.
    ///
    /// - Parameters:
    ///   - entries: in line order; all of them, or the first of them.
    ///   - conversations: locked; changed here and left for the caller to write.
    ///   - keepsEmpty: whether a decision that gave nothing to anybody is kept, because entries refer to it.
    /// - Returns: who was served, in order, and the decision. Taking entries out is the caller's, who knows whether they
    ///   were stored.
    func serve(
        _ line: LockedLine, _ agents: LineAgents, _ entries: [LineEntryRow],
        conversations: inout [UUID: Conversation], keepsEmpty: Bool
    ) -> (served: [Served], decision: UUID?) {
        let now = agents.now
        let candidates = agents.candidates(of: line, counted: changes.openCounts)
        let service = Core.serve(
            entries.map {
                LineEntryFacts(
                    id: $0.id, conversationID: $0.conversationID, strategy: $0.strategy, onlyOnline: $0.onlyOnline,
                    maxOpen: $0.maxOpen)
            }, candidates: candidates, lastTurn: max(line.lastTurn, candidates.map(\.turn).max() ?? 0))
        guard keepsEmpty || !service.picks.isEmpty else { return ([], nil) }
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
        changes.lines.append(LineRow(id: line.id, lastTurn: service.lastTurn))
        return (served, decision)
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
