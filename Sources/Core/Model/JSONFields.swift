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
    /// The canonical form of RFC 9562: lower case. By hand, since Foundation prints it through a format string, which took
    /// 8 % of a page of conversations.
    public var lowercased: String {
        withUnsafeBytes(of: uuid) { bytes in
            String(unsafeUninitializedCapacity: 36) { text in
                var position = 0
                for index in 0..<16 {
                    if index == 4 || index == 6 || index == 8 || index == 10 {
                        text[position] = UInt8(ascii: "-")
                        position += 1
                    }
                    text[position] = Self.digit(bytes[index] >> 4)
                    text[position + 1] = Self.digit(bytes[index] & 0xF)
                    position += 2
                }
                return position
            }
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
