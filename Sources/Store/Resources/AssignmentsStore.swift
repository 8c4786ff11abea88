import Core
import Foundation
import Postgres

/// One change of a conversation's team or agent, with the names of the time.
public struct AssignmentRecord: Sendable, Hashable {
    public var id: UUID
    public var conversationID: UUID
    public var kind: String
    public var occurredAt: Date
    public var source: String
    public var actor: JSON
    public var via: String
    public var agentID: UUID?
    public var agentName: String?
    public var previousAgentID: UUID?
    public var previousAgentName: String?
    public var teamID: UUID?
    public var teamName: String?
    public var runID: UUID?
    public var decisionID: UUID?
    public var position: Int?
    public var strategy: String?
    public var enteredAt: Date?
    public var queuedAt: Date?

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        conversationID = try row.decode("conversation_id")
        kind = try row.decode("kind")
        occurredAt = try row.decode("occurred_at")
        source = try row.decode("source")
        actor = try row.decode("actor", as: String?.self) == nil ? .null : row.decodeJSON("actor")
        via = try row.decode("via")
        agentID = try row.decode("agent_id")
        agentName = try row.decode("agent_name")
        previousAgentID = try row.decode("previous_agent_id")
        previousAgentName = try row.decode("previous_agent_name")
        teamID = try row.decode("team_id")
        teamName = try row.decode("team_name")
        runID = try row.decode("run_id")
        decisionID = try row.decode("decision_id")
        position = try row.decode("position")
        strategy = try row.decode("strategy")
        enteredAt = try row.decode("entered_at")
        queuedAt = try row.decode("queued_at")
    }
}

/// The batch that an assignment came from: the candidates with the facts as they were, and who was chosen before (S20).
public struct DecisionRecord: Sendable, Hashable {
    /// One conversation of the same batch, served before.
    public struct Pick: Sendable, Hashable {
        public var assignmentID: UUID
        public var conversationID: UUID
        public var position: Int
        public var agentID: UUID?
        public var agentName: String?
    }

    public var id: UUID
    public var lineID: UUID
    public var lineKind: String
    public var lineName: String?
    public var occurredAt: Date
    /// An array of objects: an agent and its facts, and why it was left out if it was.
    public var candidates: JSON
    /// How many the batch served, and how many it left waiting.
    public var served: Int
    public var waiting: Int
    /// The assignment's place in the batch.
    public var position: Int
    public var earlierPicks: [Pick]
}

extension Store {
    /// One page of a conversation's assignments, in the order of their ids.
    public func assignments(of conversation: UUID, after id: UUID?, ascending: Bool, limit: Int, in workspace: UUID)
        async throws -> [AssignmentRecord]
    {
        _ = try await self.conversation(conversation, in: workspace)
        return try await read(
            ascending ? "assignment_list_asc" : "assignment_list_desc", parts: id == nil ? [] : ["behind"],
            [workspace, conversation, id, limit]
        ).map(AssignmentRecord.init(row:))
    }

    /// One assignment; with the decision behind it when it came through a line.
    /// - Throws: `StoreError.notFound`.
    public func assignment(_ id: UUID, in workspace: UUID) async throws -> (
        assignment: AssignmentRecord, decision: DecisionRecord?
    ) {
        guard let row = try await read("assignment_get", [workspace, id]).first else {
            throw StoreError.notFound(what: "assignment")
        }
        let assignment = try AssignmentRecord(row: row)
        guard let decision = assignment.decisionID, let lineID = try row.decode("line_id", as: UUID?.self) else {
            return (assignment, nil)
        }
        let position = assignment.position ?? 0
        let picks = try await read("assignment_picks", [workspace, decision, position])
        return (
            assignment,
            DecisionRecord(
                id: decision, lineID: lineID, lineKind: try row.decode("line_kind"),
                lineName: try row.decode("line_name"), occurredAt: try row.decode("decided_at"),
                candidates: try row.decodeJSON("candidates"), served: try row.decode("served"),
                waiting: try row.decode("waiting"), position: position,
                earlierPicks: try picks.map { pick in
                    DecisionRecord.Pick(
                        assignmentID: try pick.decode("id"), conversationID: try pick.decode("conversation_id"),
                        position: try pick.decode("position"), agentID: try pick.decode("agent_id"),
                        agentName: try pick.decode("agent_name"))
                })
        )
    }
}
