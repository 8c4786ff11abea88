import Foundation

/// Agents who share a line.
public struct Team: Sendable, Hashable {
    public let id: UUID
    public var name: String
    public var memberCount: Int
    public let version: Int64
    public let createdAt: Date
    public let updatedAt: Date

    public init(id: UUID, name: String, memberCount: Int, version: Int64, createdAt: Date, updatedAt: Date) {
        self.id = id
        self.name = name
        self.memberCount = memberCount
        self.version = version
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
