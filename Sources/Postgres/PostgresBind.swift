import Foundation

/// A parameter's value as it travels: text format, or null.
public struct PostgresBind: Sendable {
    enum Storage: Sendable {
        case null
        case string(String)
        case bytes([UInt8])
    }

    let storage: Storage

    public static let null = PostgresBind(storage: .null)

    /// PostgreSQL's own text form of a value of the parameter's type.
    public init(text: String) { storage = .string(text) }

    /// The same as UTF-8.
    public init(textBytes: [UInt8]) { storage = .bytes(textBytes) }

    private init(storage: Storage) { self.storage = storage }
}

/// A value that can be a parameter.
public protocol PostgresBindable: Sendable {
    var postgresBind: PostgresBind { get }
    /// An array of such values; the default writes PostgreSQL's array literal.
    static func postgresBind(array: [Self]) -> PostgresBind
}

extension PostgresBindable {
    public static func postgresBind(array: [Self]) -> PostgresBind { ArrayText.literal(of: array) }
}

extension PostgresBindable where Self: RawRepresentable, RawValue: PostgresBindable {
    public var postgresBind: PostgresBind { rawValue.postgresBind }
}

extension PostgresBind: PostgresBindable {
    public var postgresBind: PostgresBind { self }
}

extension Int: PostgresBindable {
    public var postgresBind: PostgresBind { PostgresBind(text: String(self)) }
}

extension Int64: PostgresBindable {
    public var postgresBind: PostgresBind { PostgresBind(text: String(self)) }
}

extension Int32: PostgresBindable {
    public var postgresBind: PostgresBind { PostgresBind(text: String(self)) }
}

extension Double: PostgresBindable {
    /// The shortest text that reads back as the same number; `inf`, `-inf` and `nan` are PostgreSQL's too.
    public var postgresBind: PostgresBind { PostgresBind(text: description) }
}

extension Bool: PostgresBindable {
    public var postgresBind: PostgresBind { PostgresBind(text: self ? "t" : "f") }
}

extension String: PostgresBindable {
    public var postgresBind: PostgresBind { PostgresBind(text: self) }
}

extension UUID: PostgresBindable {
    public var postgresBind: PostgresBind { PostgresBind(text: UUIDText.format(self)) }
}

extension Date: PostgresBindable {
    /// `timestamptz`, rounded to its microseconds. Values beyond PostgreSQL's range become `infinity`.
    public var postgresBind: PostgresBind { PostgresBind(text: TimestampText.format(self)) }
}

/// A byte by itself is a number; an array of bytes is a `bytea`.
extension UInt8: PostgresBindable {
    public var postgresBind: PostgresBind { PostgresBind(text: String(self)) }
    public static func postgresBind(array: [UInt8]) -> PostgresBind { ByteaText.literal(of: array) }
}

extension Optional: PostgresBindable where Wrapped: PostgresBindable {
    public var postgresBind: PostgresBind { self?.postgresBind ?? .null }
}

extension Array: PostgresBindable where Element: PostgresBindable {
    public var postgresBind: PostgresBind { Element.postgresBind(array: self) }
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
            switch bind.postgresBind.storage {
            case .null:
                offsets.append(-1)
                continue
            case .string(let text): bytes.append(contentsOf: text.utf8)
            case .bytes(let text): bytes.append(contentsOf: text)
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
