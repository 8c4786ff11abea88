import Foundation

/// The names of the facts (S3). Documented strings for clients: the list grows.
public enum EventType: String, Sendable, CaseIterable {
    case messageReceived = "message.received"
    case messageSent = "message.sent"
    case messageFailed = "message.failed"
    case messageDelivered = "message.delivered"
    case commentCreated = "comment.created"
    case conversationOpened = "conversation.opened"
    case conversationWaiting = "conversation.waiting"
    case conversationAssigned = "conversation.assigned"
    case conversationUnassigned = "conversation.unassigned"
    case conversationPriorityChanged = "conversation.priority_changed"
    case conversationClosed = "conversation.closed"
    case conversationErased = "conversation.erased"
    case contactCreated = "contact.created"
    case contactUpdated = "contact.updated"
    case contactErased = "contact.erased"
    case runStarted = "run.started"
    case runEnded = "run.ended"
    case agentCreated = "agent.created"
    case agentUpdated = "agent.updated"
    case agentDeleted = "agent.deleted"
    case agentPresenceChanged = "agent.presence_changed"
    case teamCreated = "team.created"
    case teamUpdated = "team.updated"
    case teamDeleted = "team.deleted"
    case teamMemberAdded = "team.member_added"
    case teamMemberRemoved = "team.member_removed"
}

/// An immutable fact, written in the transaction that made it true. Holds ids and names of the time, never what a contact
/// wrote.
public struct Event: Sendable, Hashable {
    public var id: UUID
    public var type: EventType
    public var conversationID: UUID?
    /// Gap-free within the conversation; nil without one.
    public var sequence: Int64?
    public var occurredAt: Date
    public var source: Source
    public var actor: Actor
    public var data: JSON

    public init(
        id: UUID, type: EventType, conversationID: UUID?, sequence: Int64?, occurredAt: Date, source: Source,
        actor: Actor, data: JSON
    ) {
        self.id = id
        self.type = type
        self.conversationID = conversationID
        self.sequence = sequence
        self.occurredAt = occurredAt
        self.source = source
        self.actor = actor
        self.data = data
    }
}
