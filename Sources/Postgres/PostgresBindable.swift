import Foundation

/// A value that can be a parameter, or null. By itself it travels in PostgreSQL's text form, which the server reads as whatever
/// type it wants there. Arrays and ids travel in binary form and are what they say: a batch binds thousands, and reading their
/// texts took the server a tenth of its time.
public protocol PostgresBindable: Sendable {
    /// Appends PostgreSQL's text form of the value, in UTF-8.
    /// - Returns: false for null; then nothing was appended.
    func appendPostgresText(to text: inout [UInt8]) -> Bool

    /// Appends PostgreSQL's binary form of the value.
    /// - Returns: false for null; then nothing was appended.
    func appendPostgresBinary(to binary: inout PostgresBinary) -> Bool

    /// What the value is as an element of an array.
    static var postgresType: PostgresType { get }

    /// What the parameter is declared as, and sent in binary form; nil for one that travels as text.
    static var binaryParameter: UInt32? { get }

    // Requirements, so that the loop over the elements is compiled for each type and not for any.

    /// What an array of such values is as an element; of no use but for bytes, whose array is a `bytea`.
    static var arrayType: PostgresType { get }
    static func appendPostgresText(of values: [Self], to text: inout [UInt8])
    static func appendPostgresBinary(of values: [Self], to binary: inout PostgresBinary)
}

extension PostgresBindable {
    public static var binaryParameter: UInt32? { nil }
    public static var arrayType: PostgresType { PostgresType(oid: postgresType.array, array: 0) }

    public static func appendPostgresText(of values: [Self], to text: inout [UInt8]) {
        ArrayText.append(values, to: &text)
    }

    public static func appendPostgresBinary(of values: [Self], to binary: inout PostgresBinary) {
        binary.appendArray(values.count, of: postgresType) { values[$0].appendPostgresBinary(to: &$1) }
    }
}

extension PostgresBindable where Self: RawRepresentable, RawValue: PostgresBindable {
    public static var postgresType: PostgresType { RawValue.postgresType }
    public func appendPostgresText(to text: inout [UInt8]) -> Bool { rawValue.appendPostgresText(to: &text) }
    public func appendPostgresBinary(to binary: inout PostgresBinary) -> Bool {
        rawValue.appendPostgresBinary(to: &binary)
    }
}

extension PostgresBindable where Self: FixedWidthInteger {
    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        // At most 20 digits and a sign: they fit into a string without memory of its own up to 15.
        text.append(contentsOf: String(self).utf8)
        return true
    }

    public func appendPostgresBinary(to binary: inout PostgresBinary) -> Bool {
        binary.append(self)
        return true
    }
}

extension Int: PostgresBindable {
    public static var postgresType: PostgresType { .bigint }
}

extension Int64: PostgresBindable {
    public static var postgresType: PostgresType { .bigint }
}

extension Int32: PostgresBindable {
    public static var postgresType: PostgresType { .integer }
}

extension Double: PostgresBindable {
    public static var postgresType: PostgresType { .double }

    /// The shortest text that reads back as the same number; `inf`, `-inf` and `nan` are PostgreSQL's too.
    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        text.append(contentsOf: description.utf8)
        return true
    }

    public func appendPostgresBinary(to binary: inout PostgresBinary) -> Bool {
        binary.append(bitPattern)
        return true
    }
}

extension Bool: PostgresBindable {
    public static var postgresType: PostgresType { .boolean }

    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        text.append(UInt8(ascii: self ? "t" : "f"))
        return true
    }

    public func appendPostgresBinary(to binary: inout PostgresBinary) -> Bool {
        binary.append(UInt8(self ? 1 : 0))
        return true
    }
}

extension String: PostgresBindable {
    public static var postgresType: PostgresType { .text }

    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        text.append(contentsOf: utf8)
        return true
    }

    public func appendPostgresBinary(to binary: inout PostgresBinary) -> Bool {
        binary.append(self)
        return true
    }
}

extension UUID: PostgresBindable {
    public static var postgresType: PostgresType { .uuid }
    public static var binaryParameter: UInt32? { PostgresType.uuid.oid }

    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        UUIDText.append(self, to: &text)
        return true
    }

    public func appendPostgresBinary(to binary: inout PostgresBinary) -> Bool {
        binary.append(self)
        return true
    }
}

extension Date: PostgresBindable {
    public static var postgresType: PostgresType { .timestamptz }

    /// `timestamptz`, rounded to its microseconds. Values beyond PostgreSQL's range become `infinity`.
    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        TimestampText.append(self, to: &text)
        return true
    }

    public func appendPostgresBinary(to binary: inout PostgresBinary) -> Bool {
        binary.append(TimestampBinary.microseconds(self))
        return true
    }
}

/// A byte by itself is a number; an array of bytes is a `bytea`.
extension UInt8: PostgresBindable {
    public static var postgresType: PostgresType { .bytea }
    public static var arrayType: PostgresType { .bytea }

    public static func appendPostgresText(of values: [UInt8], to text: inout [UInt8]) {
        ByteaText.append(values, to: &text)
    }

    public static func appendPostgresBinary(of values: [UInt8], to binary: inout PostgresBinary) {
        binary.append(values)
    }
}

extension Optional: PostgresBindable where Wrapped: PostgresBindable {
    public static var postgresType: PostgresType { Wrapped.postgresType }
    public static var binaryParameter: UInt32? { Wrapped.binaryParameter }

    public func appendPostgresText(to text: inout [UInt8]) -> Bool { self?.appendPostgresText(to: &text) ?? false }

    public func appendPostgresBinary(to binary: inout PostgresBinary) -> Bool {
        self?.appendPostgresBinary(to: &binary) ?? false
    }
}

extension Array: PostgresBindable where Element: PostgresBindable {
    public static var postgresType: PostgresType { Element.arrayType }
    public static var binaryParameter: UInt32? { Element.arrayType.oid }

    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        Element.appendPostgresText(of: self, to: &text)
        return true
    }

    public func appendPostgresBinary(to binary: inout PostgresBinary) -> Bool {
        Element.appendPostgresBinary(of: self, to: &binary)
        return true
    }
}
