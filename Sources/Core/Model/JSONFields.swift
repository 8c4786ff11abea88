import Foundation
import OrderedCollections

extension JSON {
    /// `{}`.
    public static let emptyObject = JSON.object([:])

    /// An object with these members in this order.
    public init(fields: [(String, JSON)]) {
        self = .object(OrderedDictionary(fields, uniquingKeysWith: { _, last in last }))
    }

    /// An object of those members that have a value; what is nil is left out.
    public init(present fields: [(String, JSON?)]) {
        self.init(fields: fields.compactMap { key, value in value.map { (key, $0) } })
    }

    /// The id in its lower-case form, or null.
    public static func id(_ id: UUID?) -> JSON { id.map { .string($0.lowercased) } ?? .null }

    /// The text, or null.
    public static func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }

    /// The instant in RFC 3339 UTC, or null.
    public static func instant(_ date: Date?) -> JSON { date.map { .string(Timestamp.format($0)) } ?? .null }
}

extension UUID {
    /// The canonical form of RFC 9562: lower case.
    public var lowercased: String { uuidString.lowercased() }
}
