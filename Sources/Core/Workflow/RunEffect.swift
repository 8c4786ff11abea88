import Foundation

/// Whose line it is.
public enum LineTarget: Sendable, Hashable {
    /// A team's members.
    case team(UUID)
    /// One agent.
    case agent(UUID)
    /// Every agent of the workspace.
    case workspace
}

/// What an `assign` step asks of a line.
public struct LineRequest: Sendable, Hashable {
    public let target: LineTarget
    public let strategy: RoutingStrategy
    /// Whether only agents whose presence is `online` may be chosen.
    public let onlyOnline: Bool
    /// Chosen only while the agent has fewer open than this, besides the agent's own limit; nil means no limit of the step.
    public let maxOpen: Int?
    /// The visit to name in the `assigned` signal.
    public let visit: Int
    /// Since when the conversation counts as waiting: an entry it already has keeps its time (S16).
    public let queuedAt: Date

    public init(
        target: LineTarget, strategy: RoutingStrategy, onlyOnline: Bool, maxOpen: Int?, visit: Int, queuedAt: Date
    ) {
        self.target = target
        self.strategy = strategy
        self.onlyOnline = onlyOnline
        self.maxOpen = maxOpen
        self.visit = visit
        self.queuedAt = queuedAt
    }
}

/// Something a run wants done, in the transaction that stores the run or from the outbox after it.
public struct RunEffect: Sendable, Hashable {
    public enum Action: Sendable, Hashable {
        /// Writes `name`, `email`, `phone`, `language` or a workspace field (created as `text` where nobody defined
        /// it); nil clears.
        case updateContactField(name: String, value: JSON?)
        case updateTags(add: [String], remove: [String])
        /// To the contact, over the conversation's channel; 1 to 4,000 characters.
        case sendMessage(text: String)
        /// For the agents only; 1 to 4,000 characters.
        case addComment(text: String)
        /// The run goes on with what needs no open conversation: it gets no `closed` signal for its own closing.
        case closeConversation(category: String?, summary: String?)
        /// Puts the conversation into a line, or moves the entry it has. A team's line also makes the team the
        /// conversation's.
        case enterLine(LineRequest)
        /// Takes away the assignee and a line entry; the team stays.
        case unassign
        /// A `timer` signal for the visit, due then.
        case setTimer(due: Date)
    }

    public let action: Action
    /// The step visit it comes from.
    public let visit: Int
    /// Which of the visit's effects it is, from 0.
    public let index: Int

    public init(action: Action, visit: Int, index: Int) {
        self.action = action
        self.visit = visit
        self.index = index
    }

    /// The key under which it happens at least once and is recognised again (invariant 9).
    public func key(run: UUID) -> String { "\(run.lowercased)/\(visit)/\(index)" }
}

/// One line of a run's log. Never holds what a contact wrote.
public struct RunLogEntry: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The visit began and waits.
        case waiting
        /// The visit is over; `port` says which way out it took.
        case port
        /// A signal that concerned nothing any more; `data` says which and why.
        case dropped
        /// The run is over; `data` says how.
        case ended
    }

    public let kind: Kind
    /// The step; nil before the start.
    public let step: String?
    public let visit: Int
    public let port: String?
    public let data: JSON

    public init(kind: Kind, step: String?, visit: Int, port: String? = nil, data: JSON = .null) {
        self.kind = kind
        self.step = step
        self.visit = visit
        self.port = port
        self.data = data
    }
}
