import Core
import Foundation

/// A contact as ingest and steps change it. `fields` and `tags` are whole values: the row is locked.
public struct ContactRow: Sendable, Hashable {
    public var id: UUID
    public var name: String?
    public var email: String?
    public var phone: String?
    public var language: String?
    public var tags: [String] = []
    public var fields: JSON = .emptyObject
    public var lastAssigneeID: UUID?
    public var blocked = false
}

public struct MessageRow: Sendable {
    public var id: UUID
    public var conversationID: UUID?
    public var contactID: UUID
    public var channelID: UUID?
    public var incoming: Bool
    public var source: Source
    public var agentID: UUID?
    public var runID: UUID?
    public var text: String
    public var status: String
    public var externalID: String?
    public var sentAt: Date
    public var createdAt: Date
}

public struct ReceiptRow: Sendable {
    public var channelID: UUID
    public var externalHash: [UInt8]
    public var messageID: UUID
    public var conversationID: UUID?
    public var opened: Bool
    public var requestID: UUID
}

public struct CommentRow: Sendable {
    public var id: UUID
    public var conversationID: UUID
    public var source: Source
    public var agentID: UUID?
    public var runID: UUID?
    public var text: String
    public var createdAt: Date
}

/// What a trigger leaves for the worker to judge (S9).
public struct RunCandidateRow: Sendable {
    public var id: UUID
    public var workflowID: UUID
    public var version: Int
    public var contactID: UUID
    public var conversationID: UUID
    public var messageID: UUID?
    public var openedAt: Date?
    /// The call that opened the conversation.
    public var trace: TraceContext?
}

public struct RunRow: Sendable {
    public var id: UUID
    public var status: String
    public var reason: String?
    public var step: String?
    public var state: JSON
    public var startedAt: Date?
    public var endedAt: Date?
}

public struct SignalKey: Sendable, Hashable {
    public var runID: UUID
    public var id: UUID
}

public struct SignalRow: Sendable {
    public var runID: UUID
    public var id: UUID
    public var kind: String
    public var visit: Int?
    /// By the database's clock.
    public var dueAt: Date
    public var data: JSON
}

public struct RunLogRow: Sendable {
    public var id: UUID
    public var runID: UUID
    public var occurredAt: Date
    public var step: String?
    public var visit: Int?
    public var kind: String
    public var port: String?
    public var data: JSON
}

/// Who waits in a line: at most one entry per conversation.
public struct LineEntryRow: Sendable {
    public var id: UUID
    public var conversationID: UUID
    public var lineID: UUID
    public var lineKind: LineKind
    public var runID: UUID?
    public var visit: Int?
    public var step: String?
    public var priority: Priority
    public var queuedAt: Date
    public var enteredAt: Date
    public var strategy: RoutingStrategy
    public var onlyOnline: Bool
    public var maxOpen: Int?
    public var caller: Caller
}

public enum LineKind: String, Sendable {
    case team, agent, workspace
}

/// What serving a line leaves in its own row.
public struct LineRow: Sendable {
    public var id: UUID
    public var lastTurn: Int64
}

public struct DecisionRow: Sendable {
    public var id: UUID
    public var lineID: UUID
    public var lineKind: LineKind
    public var lineName: String?
    public var occurredAt: Date
    public var candidates: JSON
    public var served: Int
    public var waiting: Int
}

/// One change of a conversation's team or agent, with the names of the time.
public struct AssignmentRow: Sendable {
    public enum Kind: String, Sendable {
        case assignment, transfer, unassignment, team
    }

    public var id: UUID
    public var conversationID: UUID
    public var kind: Kind
    public var occurredAt: Date
    public var caller: Caller
    /// Whether a line chose the agent.
    public var viaLine: Bool
    public var agent: Conversation.Named?
    public var previous: Conversation.Named?
    public var team: Conversation.Named?
    public var channelID: UUID?
    public var runID: UUID?
    public var decisionID: UUID?
    public var position: Int?
    public var strategy: RoutingStrategy?
    public var enteredAt: Date?
    public var queuedAt: Date?
}

public struct MemberKey: Sendable, Hashable {
    public var teamID: UUID
    public var agentID: UUID
}

/// One effect on the outside world. The same key and the same body on every attempt.
public struct OutboxRow: Sendable {
    public var id: UUID
    public var key: String
    public var kind: String
    public var channelID: UUID?
    public var conversationID: UUID?
    public var messageID: UUID?
    public var runID: UUID?
    public var body: JSON
    public var createdAt: Date
    /// The call that it goes back to.
    public var trace: TraceContext?
}
