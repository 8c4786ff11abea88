import Foundation

/// One connected account through which contacts write.
public struct Channel: Sendable, Hashable {
    /// The kinds that can be created.
    public enum Kind: String, Sendable, CaseIterable {
        /// Anything that speaks our own JSON: posts inbound with its token and is sent outgoing messages at its URL.
        case custom
    }

    public let id: UUID
    public var name: String
    /// A text, not `Kind`: a database may know kinds that this program does not.
    public let kind: String
    /// Where outgoing messages are posted; nil for a channel that only receives.
    public var url: String?
    public let version: Int64
    public let createdAt: Date
    public let updatedAt: Date

    public init(
        id: UUID, name: String, kind: String, url: String?, version: Int64, createdAt: Date, updatedAt: Date
    ) {
        self.id = id
        self.name = name
        self.kind = kind
        self.url = url
        self.version = version
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
