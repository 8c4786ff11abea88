import Foundation

/// A value that can be a parameter. It travels in PostgreSQL's text form, or is null.
public protocol PostgresBindable: Sendable {
    /// Appends PostgreSQL's text form of the value, in UTF-8.
    /// - Returns: false for null; then nothing was appended.
    func appendPostgresText(to text: inout [UInt8]) -> Bool

    /// Whether no value's text form holds anything that an array literal wants quoted.
    static var isPlainInArrays: Bool { get }

    // Requirements, so that the loop over the elements is compiled for each type and not for any: a batch binds thousands.

    /// Appends the text form of an array of such values; the default is PostgreSQL's array literal.
    static func appendPostgresText(of values: [Self], to text: inout [UInt8])
    /// The same where some are null.
    static func appendPostgresText(ofOptional values: [Self?], to text: inout [UInt8])
}

extension PostgresBindable {
    public static var isPlainInArrays: Bool { false }

    public static func appendPostgresText(of values: [Self], to text: inout [UInt8]) {
        ArrayText.append(values.count, to: &text) { index, text in
            ArrayText.append(values[index], to: &text)
        }
    }

    public static func appendPostgresText(ofOptional values: [Self?], to text: inout [UInt8]) {
        ArrayText.append(values.count, to: &text) { index, text in
            guard let value = values[index] else { return text.append(contentsOf: "NULL".utf8) }
            ArrayText.append(value, to: &text)
        }
    }
}

extension PostgresBindable where Self: RawRepresentable, RawValue: PostgresBindable {
    public static var isPlainInArrays: Bool { RawValue.isPlainInArrays }
    public func appendPostgresText(to text: inout [UInt8]) -> Bool { rawValue.appendPostgresText(to: &text) }
}

extension PostgresBindable where Self: BinaryInteger {
    public static var isPlainInArrays: Bool { true }
    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        // At most 20 digits and a sign: they fit into a string without memory of its own up to 15.
        text.append(contentsOf: String(self).utf8)
        return true
    }
}

extension Int: PostgresBindable {}
extension Int64: PostgresBindable {}
extension Int32: PostgresBindable {}

extension Double: PostgresBindable {
    public static var isPlainInArrays: Bool { true }
    /// The shortest text that reads back as the same number; `inf`, `-inf` and `nan` are PostgreSQL's too.
    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        text.append(contentsOf: description.utf8)
        return true
    }
}

extension Bool: PostgresBindable {
    public static var isPlainInArrays: Bool { true }
    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        text.append(UInt8(ascii: self ? "t" : "f"))
        return true
    }
}

extension String: PostgresBindable {
    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        text.append(contentsOf: utf8)
        return true
    }
}

extension UUID: PostgresBindable {
    public static var isPlainInArrays: Bool { true }
    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        UUIDText.append(self, to: &text)
        return true
    }
}

extension Date: PostgresBindable {
    /// `timestamptz`, rounded to its microseconds. Values beyond PostgreSQL's range become `infinity`.
    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        TimestampText.append(self, to: &text)
        return true
    }
}

/// A byte by itself is a number; an array of bytes is a `bytea`.
extension UInt8: PostgresBindable {
    public static func appendPostgresText(of values: [UInt8], to text: inout [UInt8]) {
        ByteaText.append(values, to: &text)
    }
}

extension Optional: PostgresBindable where Wrapped: PostgresBindable {
    public static var isPlainInArrays: Bool { Wrapped.isPlainInArrays }
    public func appendPostgresText(to text: inout [UInt8]) -> Bool { self?.appendPostgresText(to: &text) ?? false }
    public static func appendPostgresText(of values: [Wrapped?], to text: inout [UInt8]) {
        Wrapped.appendPostgresText(ofOptional: values, to: &text)
    }
}

extension Array: PostgresBindable where Element: PostgresBindable {
    public func appendPostgresText(to text: inout [UInt8]) -> Bool {
        Element.appendPostgresText(of: self, to: &text)
        return true
    }
}

/// The parameters of one statement in one block of memory, each ended by NUL as libpq wants them.
struct EncodedBinds: Sendable, Hashable {
    private var bytes: [UInt8] = []
    /// Where each value begins; -1 is null.
    private var offsets: [Int] = []

    static let none = EncodedBinds()

    private init() {}

    init(_ binds: [any PostgresBindable], statement: String) throws(PostgresError) {
        guard !binds.isEmpty else { return }
        guard binds.count <= Int(UInt16.max) else {
            throw PostgresError(
                .encoding, message: "\(binds.count) parameters; 65,535 is the limit", statement: statement)
        }
        offsets.reserveCapacity(binds.count)
        for (index, bind) in binds.enumerated() {
            let start = bytes.count
            guard bind.appendPostgresText(to: &bytes) else {
                offsets.append(-1)
                continue
            }
            guard !bytes[start...].contains(0) else {
                throw PostgresError(.encoding, message: "parameter $\(index + 1) contains NUL", statement: statement)
            }
            bytes.append(0)
            offsets.append(start)
        }
    }

    var count: Int { offsets.count }

    /// Calls with libpq's `paramValues`; the pointers are good only inside.
    func withValues<Result>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result) -> Result {
        guard !offsets.isEmpty else { return body(nil) }
        return bytes.withUnsafeBytes { memory in
            let base = memory.baseAddress?.assumingMemoryBound(to: CChar.self)
            return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: offsets.count) { values in
                for (index, offset) in offsets.enumerated() {
                    values[index] = offset < 0 ? nil : base.map { $0 + offset }
                }
                return body(UnsafePointer(values.baseAddress))
            }
        }
    }
}
