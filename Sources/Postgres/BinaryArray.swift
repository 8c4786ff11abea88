import Foundation

/// A type as the server's catalogue numbers it (`pg_type.dat`), with the type of its arrays.
public struct PostgresType: Sendable, Hashable {
    let oid: UInt32
    let array: UInt32

    static let boolean = PostgresType(oid: 16, array: 1000)
    static let bytea = PostgresType(oid: 17, array: 1001)
    static let bigint = PostgresType(oid: 20, array: 1016)
    static let integer = PostgresType(oid: 23, array: 1007)
    static let text = PostgresType(oid: 25, array: 1009)
    static let double = PostgresType(oid: 701, array: 1022)
    static let timestamptz = PostgresType(oid: 1184, array: 1185)
    static let uuid = PostgresType(oid: 2950, array: 2951)
}

/// Values in PostgreSQL's binary form, which its `…_send` and `…_recv` functions define: numbers in network order.
public struct PostgresBinary: Sendable {
    private(set) var bytes: [UInt8]
    /// A text held a NUL, which the server takes in none.
    private(set) var holdsNUL = false

    init(appendingTo bytes: consuming [UInt8] = []) { self.bytes = bytes }

    mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ uuid: UUID) {
        withUnsafeBytes(of: uuid.uuid) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ value: [UInt8]) { bytes.append(contentsOf: value) }

    mutating func append(_ text: String) {
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        if bytes[start...].contains(0) { holdsNUL = true }
    }

    /// An array of one dimension, counted from 1 (`array_recv`): each element behind its length, which is -1 for null.
    ///
    /// - Parameter element: appends the element of that index; false for null, and then nothing was appended.
    @inline(__always)
    mutating func appendArray(
        _ count: Int, of type: PostgresType, element: (Int, inout PostgresBinary) -> Bool
    ) {
        bytes.reserveCapacity(bytes.count + 20 + count * 20)
        append(Int32(count == 0 ? 0 : 1))
        let flags = bytes.count
        append(Int32(0))
        append(type.oid)
        guard count > 0 else { return }
        append(Int32(count))
        append(Int32(1))
        for index in 0..<count {
            let place = bytes.count
            append(Int32(-1))
            if element(index, &self) {
                set(Int32(bytes.count - place - 4), at: place)
            } else {
                set(Int32(1), at: flags)
            }
        }
    }

    private mutating func set(_ number: Int32, at place: Int) {
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: number.bigEndian, toByteOffset: place, as: Int32.self) }
    }
}

/// `timestamptz` in binary form: microseconds since 2000-01-01, rounded.
enum TimestampBinary {
    /// From 2000-01-01, which PostgreSQL counts from, to 2001-01-01, which `Date` counts from.
    private static let offset: Double = 366 * 86_400_000_000
    /// The first instant that is none any more, in 294277 (`END_TIMESTAMP`).
    private static let end: Double = 9_223_371_331_200_000_000

    /// Values beyond PostgreSQL's range become `infinity`; what is no time at all becomes one that the server refuses.
    static func microseconds(_ date: Date) -> Int64 {
        let exact = (date.timeIntervalSinceReferenceDate * 1_000_000).rounded()
        guard !exact.isNaN else { return .max - 1 }
        guard exact > -2.1e17 else { return .min }
        guard exact < end - offset else { return .max }
        return Int64(exact) + Int64(offset)
    }
}
