import Foundation

/// Whose use is counted: a key or a channel, and the workspace that it belongs to.
public struct RateCaller: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        case key, channel
    }

    public let kind: Kind
    public let id: UUID
    /// Nil for an operator's key.
    public let workspace: UUID?

    public init(_ kind: Kind, id: UUID, workspace: UUID?) {
        self.kind = kind
        self.id = id
        self.workspace = workspace
    }
}

/// How far one of the limits is used up: what the `RateLimit` headers tell.
public struct RateState: Sendable, Hashable {
    /// `key`, `channel`, `workspace`, or `failures` of an address.
    public let policy: String
    public let limit: RateLimit
    /// Requests permitted now.
    public let remaining: Int
    /// Seconds until all of the quota is there again.
    public let reset: Int
}

/// Whether a request is let through.
public struct RateDecision: Sendable, Hashable {
    /// The limits that hold for the caller; none when all are off.
    public let states: [RateState]
    /// Seconds after which one more request is permitted, unless others come first; nil: this one is.
    public let retryAfter: Int?
    /// The limits that refuse.
    public let violated: [String]

    public var isPermitted: Bool { retryAfter == nil }
}
