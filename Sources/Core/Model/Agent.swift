import Foundation

/// Somebody who answers contacts.
public struct Agent: Sendable, Hashable {
    public enum Presence: String, Sendable, CaseIterable {
        /// Given work by lines; the others are not (S17).
        case online
        case away, offline
    }

    public let id: UUID
    public var name: String
    public var email: String?
    public var role: Role
    public var presence: Presence
    public var presenceChangedAt: Date
    /// How many conversations at once; nil means no limit.
    public var maxOpen: Int?
    /// How many that are not closed are assigned now, snoozed ones included.
    public var openCount: Int
    public let version: Int64
    public let createdAt: Date
    public let updatedAt: Date

    public init(
        id: UUID, name: String, email: String?, role: Role, presence: Presence, presenceChangedAt: Date, maxOpen: Int?,
        openCount: Int, version: Int64, createdAt: Date, updatedAt: Date
    ) {
        self.id = id
        self.name = name
        self.email = email
        self.role = role
        self.presence = presence
        self.presenceChangedAt = presenceChangedAt
        self.maxOpen = maxOpen
        self.openCount = openCount
        self.version = version
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
