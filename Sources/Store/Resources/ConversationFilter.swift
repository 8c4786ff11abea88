import Core
import Foundation
import Postgres

/// Which conversations a list holds; all that is given must hold at once.
public struct ConversationFilter: Sendable, Hashable {
    /// Whose conversations.
    public enum Assignee: Sendable, Hashable {
        case agent(UUID)
        /// Those that nobody has.
        case nobody
    }

    public var status: Conversation.Status?
    public var teamID: UUID?
    public var assignee: Assignee?
    public var waiting: Bool?
    public var channelID: UUID?
    public var contactID: UUID?
    public var source: Source?
    public var window = ConversationWindow()

    public init() {}
}

/// When something happened to the conversations of a list, half-open: from included, to excluded. The list goes by that time,
/// ties by id, so that the window is one stretch of one index.
public struct ConversationWindow: Sendable, Hashable {
    public enum Time: String, Sendable {
        case opened
        /// Closed conversations only.
        case closed
        /// The last change of what the API shows of a conversation.
        case updated

        /// The column that the list goes by.
        public var column: String { "\(rawValue)_at" }
    }

    public var time: Time
    public var from: Date?
    public var to: Date?

    public init(_ time: Time = .opened, from: Date? = nil, to: Date? = nil) {
        self.time = time
        self.from = from
        self.to = to
    }
}

/// The last row of a page: the next page begins behind it, whatever was inserted since.
public struct ConversationPosition: Sendable, Hashable {
    public var time: Date
    public var id: UUID

    public init(time: Date, id: UUID) {
        self.time = time
        self.id = id
    }
}

extension ConversationFilter {
    /// The template of `sql/queries` that gives the list.
    public func list(ascending: Bool) -> String {
        "conversation_list_\(window.time.rawValue)_\(ascending ? "asc" : "desc")"
    }

    /// Which of its parts the text has, always in this order.
    public func parts(behindPosition: Bool, ascending: Bool) -> [String] {
        // Behind a position its side of the window holds by itself. Said twice, the server would begin at the window's edge
        // and walk to the position, further with every page.
        let hasFrom = window.from != nil && !(behindPosition && ascending)
        let hasTo = window.to != nil && !(behindPosition && !ascending)
        let parts: [(String, Bool)] = [
            ("team", teamID != nil), ("assignee", agentID != nil), ("nobody", assignee == .nobody),
            ("waiting", waiting == true), ("served", waiting == false && hasServedPart), ("channel", channelID != nil),
            ("contact", contactID != nil), ("contacts", source == .contact),
            ("elsewhere", source != nil && source != .contact), ("from", hasFrom), ("to", hasTo),
            ("behind", behindPosition),
        ]
        return statusParts + parts.filter(\.1).map(\.0)
    }

    /// Every value of one filter has an index of its own in the order of opening. Of two the rarer should be walked, and which
    /// that is depends on their values; in the order of closing and of the last change already of one and the time. A contact
    /// has few conversations.
    public var plan: Statement.Plan {
        let filters = [
            teamID != nil, assignee != nil, channelID != nil, source != nil, waiting == true && window.time == .updated,
        ]
        let served = window.time == .opened ? 1 : 0
        return contactID != nil || filters.count(where: { $0 }) <= served ? .auto : .custom
    }

    var agentID: UUID? {
        if case .agent(let id) = assignee { return id }
        return nil
    }

    private var hasServedPart: Bool { window.time != .closed }

    private var statusParts: [String] {
        switch window.time {
        case .opened: status.map { [$0.rawValue] } ?? ["open", "snoozed", "closed", "any"]
        case .closed: status == nil || status == .closed ? [] : ["never"]
        case .updated: status.map { [$0.rawValue] } ?? []
        }
    }
}
