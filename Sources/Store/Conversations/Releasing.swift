import Core
import Foundation
import Postgres

/// What becomes of an agent's conversations when the agent goes (S23).
public enum ReleaseMode: Sendable {
    /// Back into the line of the conversation's team; without a team, unassigned.
    case returnToLine
    /// To another agent, whose limit counts.
    case transfer(to: UUID)
}

extension StoreTransaction {
    /// Takes every open conversation from an agent.
    /// - Throws: `.conflict(.agentAtLimit)` when the other agent has not room for all of them.
    public func releaseConversations(
        ofAgent agentID: UUID, mode: ReleaseMode, by caller: Caller, in workspace: UUID
    ) throws {
        changes.workspaceID = workspace
        let locked = try conversations(from: send("conversations_lock_of_agent", [workspace, agentID]))
        // Before any agent (S19). Whoever would enter the agent's own line meanwhile finds it gone.
        try send("line_lock", [workspace, agentID])
        let held = locked.rows.values.sorted { $0.id.lowercased < $1.id.lowercased }
        switch mode {
        case .returnToLine:
            for original in held {
                var conversation = original
                conversation = try takeBack(
                    conversation, team: conversation.team, by: caller, at: locked.now, in: workspace)
                if let team = conversation.team {
                    // Whoever serves the line gives it away: with the agent gone, and each line by itself.
                    let entry = lineEntry(
                        of: conversation, team: team, strategy: .roundRobin, AssignRequest(), by: caller,
                        at: locked.now, in: workspace)
                    enter(entry, conversation: &conversation, lineName: team.name, at: locked.now)
                    changes.marks.insert(entry.lineID)
                }
                changes.update(conversation)
            }
        case .transfer(let other):
            let agents = try lockAgents([agentID, other], in: workspace)
            guard let agent = agents[other], !agent.isDeleted, other != agentID else {
                throw StoreError.invalid([
                    FieldError(
                        pointer: "/to", code: "unknown-reference", detail: "There is no such agent to transfer to.")
                ])
            }
            if let limit = agent.maxOpen, agent.openCount + held.count > limit {
                throw StoreError.conflict(
                    .agentAtLimit,
                    detail: "The agent has room for \(max(0, limit - agent.openCount)) of \(held.count).",
                    members: ["max_open": .integer(Int64(limit))])
            }
            for original in held {
                var conversation = original
                try give(
                    &conversation, to: Conversation.Named(id: other, name: agent.name), team: conversation.team,
                    by: caller, at: locked.now, in: workspace)
                changes.update(conversation)
            }
        }
    }
}
