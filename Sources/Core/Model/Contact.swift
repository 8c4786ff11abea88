import Foundation
import OrderedCollections

/// A person who writes.
public struct Contact: Sendable, Hashable {
    /// How one channel knows the person.
    public struct Identity: Sendable, Hashable {
        public var channelID: UUID
        public var externalID: String

        public init(channelID: UUID, externalID: String) {
            self.channelID = channelID
            self.externalID = externalID
        }
    }

    public let id: UUID
    public var name: String?
    public var email: String?
    public var phone: String?
    public var language: String?
    public var tags: [String]
    /// Values of the workspace's contact fields, by name.
    public var fields: OrderedDictionary<String, JSON>
    /// A blocked contact's messages are kept and open nothing (S8).
    public var blocked: Bool
    public var identities: [Identity]
    public let lastAssigneeID: UUID?
    public let version: Int64
    public let createdAt: Date
    public let updatedAt: Date

    public init(
        id: UUID, name: String?, email: String?, phone: String?, language: String?, tags: [String],
        fields: OrderedDictionary<String, JSON>, blocked: Bool, identities: [Identity], lastAssigneeID: UUID?,
        version: Int64, createdAt: Date, updatedAt: Date
    ) {
        self.id = id
        self.name = name
        self.email = email
        self.phone = phone
        self.language = language
        self.tags = tags
        self.fields = fields
        self.blocked = blocked
        self.identities = identities
        self.lastAssigneeID = lastAssigneeID
        self.version = version
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// The names of what differs from an earlier state, as `contact.updated` tells them: never values (S3).
    public func changes(since earlier: Contact) -> [String] {
        var names: [String] = []
        if name != earlier.name { names.append("name") }
        if email != earlier.email { names.append("email") }
        if phone != earlier.phone { names.append("phone") }
        if language != earlier.language { names.append("language") }
        if tags != earlier.tags { names.append("tags") }
        if blocked != earlier.blocked { names.append("blocked") }
        for field in Set(fields.keys).union(earlier.fields.keys).sorted() where fields[field] != earlier.fields[field] {
            names.append("fields.\(field)")
        }
        return names
    }
}
