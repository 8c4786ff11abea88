import Foundation

/// Why a text is not a value of the type asked for; it does not quote the text.
public struct PostgresTextError: Error, Sendable {
    public let reason: String
    public init(_ reason: String) { self.reason = reason }
}

/// A value that can be read from a cell.
public protocol PostgresDecodable {
    /// Reads the server's text form of a value. The bytes are valid only during the call.
    init(postgresText text: Span<UInt8>) throws(PostgresTextError)
    /// What SQL's null means for this type; nil where it means an error.
    static var postgresNull: Self? { get }
    /// Reads an array of such values; the default reads PostgreSQL's array literal.
    static func postgresArray(_ text: Span<UInt8>) throws(PostgresTextError) -> [Self]
}

extension PostgresDecodable {
    public static var postgresNull: Self? { nil }

    public static func postgresArray(_ text: Span<UInt8>) throws(PostgresTextError) -> [Self] {
        var values: [Self] = []
        try ArrayText.parse(text) { element throws(PostgresTextError) in
            if let element {
                values.append(try Self(postgresText: element))
            } else if let null = postgresNull {
                values.append(null)
            } else {
                throw PostgresTextError("null inside an array of \(Self.self)")
            }
        }
        return values
    }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    public init(postgresText text: Span<UInt8>) throws(PostgresTextError) {
        guard let value = Self(rawValue: try RawValue(postgresText: text)) else {
            throw PostgresTextError("not a \(Self.self)")
        }
        self = value
    }
}

extension FixedWidthInteger {
    fileprivate init(decimal text: Span<UInt8>) throws(PostgresTextError) {
        var index = 0
        let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
        if isNegative { index = 1 }
        guard index < text.count else { throw PostgresTextError("not a \(Self.self)") }
        var value: Self = 0
        while index < text.count {
            let digit = text[index] &- 0x30
            guard digit < 10 else { throw PostgresTextError("not a \(Self.self)") }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, carry) =
                isNegative
                ? product.subtractingReportingOverflow(Self(digit)) : product.addingReportingOverflow(Self(digit))
            guard !overflow, !carry else { throw PostgresTextError("out of the range of \(Self.self)") }
            value = next
            index += 1
        }
        self = value
    }
}

extension Int: PostgresDecodable {
    public init(postgresText text: Span<UInt8>) throws(PostgresTextError) { try self.init(decimal: text) }
}

extension Int64: PostgresDecodable {
    public init(postgresText text: Span<UInt8>) throws(PostgresTextError) { try self.init(decimal: text) }
}

extension Int32: PostgresDecodable {
    public init(postgresText text: Span<UInt8>) throws(PostgresTextError) { try self.init(decimal: text) }
}

extension UInt8: PostgresDecodable {
    public init(postgresText text: Span<UInt8>) throws(PostgresTextError) { try self.init(decimal: text) }
    /// An array of bytes is a `bytea`.
    public static func postgresArray(_ text: Span<UInt8>) throws(PostgresTextError) -> [UInt8] {
        try ByteaText.parse(text)
    }
}

extension Double: PostgresDecodable {
    public init(postgresText text: Span<UInt8>) throws(PostgresTextError) {
        guard let value = Double(String(postgresBytes: text)) else { throw PostgresTextError("not a number") }
        self = value
    }
}

extension Bool: PostgresDecodable {
    public init(postgresText text: Span<UInt8>) throws(PostgresTextError) {
        guard text.count == 1, text[0] == UInt8(ascii: "t") || text[0] == UInt8(ascii: "f") else {
            throw PostgresTextError("not a boolean")
        }
        self = text[0] == UInt8(ascii: "t")
    }
}

extension String: PostgresDecodable {
    public init(postgresText text: Span<UInt8>) throws(PostgresTextError) { self.init(postgresBytes: text) }

    fileprivate init(postgresBytes text: Span<UInt8>) {
        self = text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}

extension UUID: PostgresDecodable {
    public init(postgresText text: Span<UInt8>) throws(PostgresTextError) {
        guard let value = UUIDText.parse(text) else { throw PostgresTextError("not a UUID") }
        self = value
    }
}

extension Date: PostgresDecodable {
    /// Reads `timestamptz`, `timestamp` and `date`, the last two as UTC. Infinity is refused.
    public init(postgresText text: Span<UInt8>) throws(PostgresTextError) {
        guard let value = TimestampText.parse(text) else { throw PostgresTextError("not a finite time") }
        self = value
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public init(postgresText text: Span<UInt8>) throws(PostgresTextError) {
        self = .some(try Wrapped(postgresText: text))
    }
    public static var postgresNull: Wrapped?? { .some(.none) }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    public init(postgresText text: Span<UInt8>) throws(PostgresTextError) { self = try Element.postgresArray(text) }
}
