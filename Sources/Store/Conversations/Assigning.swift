import Core
import Foundation
import Postgres

/// What a call to `assign` asks for (S22). The double optionals tell "not said" from "nobody".
public struct AssignRequest: Sendable {
    public var agentID: UUID??
    public var teamID: UUID??
    public var strategy: RoutingStrategy?
    public var onlyOnline: Bool
    public var maxOpen: Int?
    public var ifAssigneeID: UUID??

    public init(
        agentID: UUID?? = nil, teamID: UUID?? = nil, strategy: RoutingStrategy? = nil, onlyOnline: Bool = true,
        maxOpen: Int? = nil, ifAssigneeID: UUID?? = nil
    ) {
        self.agentID = agentID
        self.teamID = teamID
        self.strategy = strategy
        self.onlyOnline = onlyOnline
        self.maxOpen = maxOpen
        self.ifAssigneeID = ifAssigneeID
    }
}

extension StoreTransaction {
    /// Assigns by hand: to an agent, to nobody, to a team, or into a line.
    ///
    /// An explicit agent's limit counts, presence does not (S17). The same again changes nothing and records nothing.
    /// - Throws: `StoreError.notFound`, `.conflict` (closed, at the limit, another assignee than expected), `.invalid`.
    public func assign(_ id: UUID, to request: AssignRequest, by caller: Caller, in workspace: UUID) throws {
        changes.workspaceID = workspace
        var (conversation, now) = try lockConversation(id, in: workspace)
        try checkOpen(conversation)
        let before = conversation
        if let expected = request.ifAssigneeID, expected != conversation.assignee?.id {
            throw StoreError.conflict(
                .assigneeChanged, detail: "The conversation is assigned to somebody else than expected.",
                members: ["assignee_id": .id(conversation.assignee?.id)])
        }
        let team = try team(asked: request.teamID, of: conversation, in: workspace)
        if let strategy = request.strategy {
            try enterLine(
                of: &conversation, team: team, strategy: strategy, request, by: caller, at: now, in: workspace)
            return
        }
        if case .some(.some(let agentID)) = request.agentID {
            let agents = try lockAgents([agentID, conversation.assignee?.id].compactMap(\.self), in: workspace)
            guard let agent = agents[agentID], !agent.isDeleted else {
                throw StoreError.invalid([
                    FieldError(pointer: "/agent_id", code: "unknown-reference", detail: "There is no such agent.")
                ])
            }
            if conversation.assignee?.id != agentID, !agent.hasRoom {
                throw StoreError.conflict(
                    .agentAtLimit, detail: "The agent holds as many conversations as allowed.",
                    members: ["max_open": agent.maxOpen.map { .integer(Int64($0)) } ?? .null])
            }
            try give(
                &conversation, to: Conversation.Named(id: agentID, name: agent.name), team: team, by: caller, at: now,
                in: workspace)
        } else if case .some(.none) = request.agentID {
            conversation = try takeBack(conversation, team: team, by: caller, at: now, in: workspace)
        } else {
            try move(&conversation, to: team, by: caller, at: now, in: workspace)
        }
        if conversation != before { changes.update(conversation) }
    }

    func checkOpen(_ conversation: Conversation) throws {
        if conversation.status == .closed {
            throw StoreError.conflict(.conversationClosed, detail: "The conversation is closed.")
        }
    }

    /// The team asked for, checked; the conversation's own when nothing was said.
    private func team(asked: UUID??, of conversation: Conversation, in workspace: UUID) throws -> Conversation.Named? {
        guard let asked else { return conversation.team }
        guard let id = asked else { return nil }
        if id == conversation.team?.id { return conversation.team }
        guard let row = try query("teams_named", [workspace, [id]]).first else {
            throw StoreError.invalid([
                FieldError(pointer: "/team_id", code: "unknown-reference", detail: "There is no such team.")
            ])
        }
        return Conversation.Named(id: id, name: try row.decode("name"))
    }

    /// Gives the conversation to an agent whose row is locked and who has room.
    func give(
        _ conversation: inout Conversation, to agent: Conversation.Named, team: Conversation.Named?, by caller: Caller,
        at now: Date, in workspace: UUID
    ) throws {
        try leaveLine(
            &conversation, reason: "assigned_by_\(caller.isPerson ? "person" : caller.source.rawValue)", at: now,
            in: workspace)
        if conversation.assignee?.id == agent.id {
            try move(&conversation, to: team, by: caller, at: now, in: workspace)
            return
        }
        let previous = conversation.assignee
        conversation.team = team
        recordAssignment(
            of: &conversation, to: agent, previous: previous, by: caller, at: now, viaLine: false)
        if let previous {
            changes.count(agent: previous.id, by: -1)
            roomAppeared(for: [previous.id], in: workspace)
        }
    }

    /// The event, the assignment's row and the counters of giving `conversation` to `agent`, whatever chose the agent.
    func recordAssignment(
        of conversation: inout Conversation, to agent: Conversation.Named, previous: Conversation.Named?,
        by caller: Caller, at now: Date, viaLine: Bool, run: UUID? = nil, decision: UUID? = nil, position: Int? = nil,
        strategy: RoutingStrategy? = nil, enteredAt: Date? = nil, queuedAt: Date? = nil
    ) {
        let kind: AssignmentRow.Kind = previous == nil ? .assignment : .transfer
        conversation.assignee = agent
        conversation.assignedSource = caller.source
        conversation.waiting = false
        let event = conversation.record(
            .conversationAssigned, id: newID(), by: caller, at: now,
            data: JSON(present: [
                ("kind", .string(kind.rawValue)), ("agent_id", .id(agent.id)), ("agent_name", .text(agent.name)),
                ("previous_agent_id", previous.map { .id($0.id) }),
                ("previous_agent_name", previous.map { .text($0.name) }),
                ("team_id", conversation.team.map { .id($0.id) }),
                ("team_name", conversation.team.map { .text($0.name) }),
                ("via", .string(viaLine ? "line" : "direct")), ("strategy", strategy.map { .string($0.rawValue) }),
                ("decision_id", decision.map { .id($0) }), ("position", position.map { .integer(Int64($0)) }),
                ("run_id", run.map { .id($0) }), ("entered_at", enteredAt.map { .instant($0) }),
                ("queued_at", queuedAt.map { .instant($0) }),
            ]))
        conversation.assignedAt = event.occurredAt
        changes.events.append(event)
        changes.assignments.append(
            AssignmentRow(
                id: newID(), conversationID: conversation.id, kind: kind, occurredAt: event.occurredAt, caller: caller,
                viaLine: viaLine, agent: agent, previous: previous, team: conversation.team,
                channelID: conversation.channelID, runID: run, decisionID: decision, position: position,
                strategy: strategy, enteredAt: enteredAt, queuedAt: queuedAt))
        changes.count(agent: agent.id, by: 1)
    }

    /// Takes the conversation from its agent; the team stays unless another was asked for. It is not put in line again
    /// by itself (S14).
    func takeBack(
        _ original: Conversation, team: Conversation.Named?, by caller: Caller, at now: Date, in workspace: UUID
    ) throws -> Conversation {
        var conversation = original
        guard let previous = conversation.assignee else {
            try move(&conversation, to: team, by: caller, at: now, in: workspace)
            return conversation
        }
        conversation.assignee = nil
        conversation.team = team
        conversation.assignedSource = caller.source
        conversation.assignedAt = nil
        let event = conversation.record(
            .conversationUnassigned, id: newID(), by: caller, at: now,
            data: JSON(present: [
                ("previous_agent_id", .id(previous.id)), ("previous_agent_name", .text(previous.name)),
                ("team_id", team.map { .id($0.id) }), ("team_name", team.map { .text($0.name) }),
            ]))
        changes.events.append(event)
        changes.assignments.append(
            AssignmentRow(
                id: newID(), conversationID: conversation.id, kind: .unassignment, occurredAt: event.occurredAt,
                caller: caller, viaLine: false, agent: nil, previous: previous, team: team,
                channelID: conversation.channelID))
        changes.count(agent: previous.id, by: -1)
        roomAppeared(for: [previous.id], in: workspace)
        return conversation
    }

    /// Gives the conversation to another team; who is assigned stays.
    func move(
        _ conversation: inout Conversation, to team: Conversation.Named?, by caller: Caller, at now: Date,
        in workspace: UUID
    ) throws {
        guard team?.id != conversation.team?.id else { return }
        try leaveLine(&conversation, reason: "moved_by_person", at: now, in: workspace)
        recordTeam(of: &conversation, to: team, by: caller, at: now)
        conversation.assignedSource = caller.source
    }

    /// The event and the row of a change of team alone.
    func recordTeam(
        of conversation: inout Conversation, to team: Conversation.Named?, by caller: Caller, at now: Date,
        run: UUID? = nil
    ) {
        guard team?.id != conversation.team?.id else { return }
        conversation.team = team
        let event = conversation.record(
            .conversationAssigned, id: newID(), by: caller, at: now,
            data: JSON(present: [
                ("kind", .string("team")), ("agent_id", conversation.assignee.map { .id($0.id) }),
                ("agent_name", conversation.assignee.map { .text($0.name) }), ("team_id", .id(team?.id)),
                ("team_name", .text(team?.name)), ("via", .string("direct")), ("run_id", run.map { .id($0) }),
            ]))
        changes.events.append(event)
        changes.assignments.append(
            AssignmentRow(
                id: newID(), conversationID: conversation.id, kind: .team, occurredAt: event.occurredAt, caller: caller,
                viaLine: false, agent: conversation.assignee, previous: nil, team: team,
                channelID: conversation.channelID, runID: run))
    }
}
