import Foundation

/// Something that happened to a run: a row of its mailbox (S10).
public struct RunSignal: Sendable, Hashable {
    /// What happened.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The run is to begin.
        case started
        /// The time that a visit asked for has come.
        case timer
        /// The conversation that waited in a line through this visit has an assignee, by the line or by anyone.
        case assigned
        /// The contact answered the question that this visit asked.
        case answered
        /// The conversation was closed.
        case closed
        /// The workflow was stopped together with its runs.
        case stopped
    }

    public let kind: Kind
    /// The step visit it is for; nil for `started`, `closed` and `stopped`, which are for the run.
    public let visit: Int?
    /// `assigned`: `{"agent_id": …, "source": …}`. Otherwise null.
    public let data: JSON

    public init(_ kind: Kind, visit: Int? = nil, data: JSON = .null) {
        self.kind = kind
        self.visit = visit
        self.data = data
    }
}
