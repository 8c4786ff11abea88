import Foundation

/// From opening to closing. A contact has at most one that is not closed; a closed one never opens again (S4).
public struct Conversation: Sendable, Hashable {
    public enum Status: String, Sendable, CaseIterable {
        case open, snoozed, closed
    }

    /// An id with the name it had at the time.
    public struct Named: Sendable, Hashable {
        public var id: UUID
        public var name: String?

        public init(id: UUID, name: String?) {
            self.id = id
            self.name = name
        }
    }

    /// The first human reply: when, by whom, for which team.
    public struct FirstReply: Sendable, Hashable {
        public var at: Date
        public var agent: Named?
        public var team: Named?

        public init(at: Date, agent: Named?, team: Named?) {
            self.at = at
            self.agent = agent
            self.team = team
        }
    }

    public let id: UUID
    public let contactID: UUID
    public let channelID: UUID?
    public let source: Source
    public let openedAt: Date
    public var status: Status = .open
    public var team: Named?
    public var assignee: Named?
    /// Who assigned last; `agent` and `api` are people (S14).
    public var assignedSource: Source?
    public var assignedAt: Date?
    public var waiting = false
    public var priority = Priority.normal
    public var subject: String?
    public var custom: JSON = [:]
    public var firstReply: FirstReply?
    public var closedAt: Date?
    public var closedSource: Source?
    public var category: String?
    public var summary: String?
    public private(set) var lastSequence: Int64
    public private(set) var lastEventAt: Date
    public var isErased = false

    public init(
        id: UUID, contactID: UUID, channelID: UUID?, source: Source, openedAt: Date, lastSequence: Int64 = 0,
        lastEventAt: Date? = nil
    ) {
        self.id = id
        self.contactID = contactID
        self.channelID = channelID
        self.source = source
        self.openedAt = openedAt
        self.lastSequence = lastSequence
        self.lastEventAt = lastEventAt ?? openedAt
    }

    /// The next event of this conversation: the next number, and a time that never falls along the numbers (S2).
    ///
    /// `now` is the database's statement time, read under the conversation's lock.
    public mutating func record(_ type: EventType, id: UUID, by caller: Caller, at now: Date, data: JSON = [:])
        -> Event
    {
        lastSequence += 1
        lastEventAt = max(now, lastEventAt)
        return Event(
            id: id, type: type, conversationID: self.id, sequence: lastSequence, occurredAt: lastEventAt,
            source: caller.source, actor: caller.actor, data: data)
    }

    /// An id for what the next event is about: lists and deliveries go by id, and so they follow the conversation's own
    /// order, whatever the clocks of the processes say that write to it.
    public func nextID(at now: Date) -> UUID {
        UUIDv7.make(exactlyAt: max(now, lastEventAt), number: lastSequence + 1)
    }
}
