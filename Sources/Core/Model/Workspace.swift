import Foundation

/// A tenant. Everything else belongs to one.
public struct Workspace: Sendable, Hashable {
    /// What an agent must say when closing (S29).
    public enum ClosingNote: String, Sendable, CaseIterable {
        case off, optional, category
        case categoryAndSummary = "category_and_summary"
    }

    public let id: UUID
    public var name: String
    /// The IANA zone whose days its reports cover.
    public var timeZone: String
    public var closingNote: ClosingNote
    /// Whether every PATCH, PUT and DELETE must say what it expects to find (S45).
    public var requireIfMatch: Bool
    /// For all of its keys and channels together; nil is what the process is configured with.
    public var rateLimit: RateLimit?
    public let version: Int64
    public let createdAt: Date
    public let updatedAt: Date

    public init(
        id: UUID, name: String, timeZone: String, closingNote: ClosingNote, requireIfMatch: Bool,
        rateLimit: RateLimit?, version: Int64,
        createdAt: Date, updatedAt: Date
    ) {
        self.id = id
        self.name = name
        self.timeZone = timeZone
        self.closingNote = closingNote
        self.requireIfMatch = requireIfMatch
        self.rateLimit = rateLimit
        self.version = version
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// What a conversation was about, chosen when it is closed.
public struct ClosingCategory: Sendable, Hashable {
    public let id: UUID
    public var name: String
    public let createdAt: Date
    public let updatedAt: Date

    /// What a new workspace begins with.
    public static let defaults = ["General Inquiry", "Sales Inquiry", "Payment Issue", "Others"]

    public init(id: UUID, name: String, createdAt: Date, updatedAt: Date) {
        self.id = id
        self.name = name
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
