import CLibPQ

/// The parameters of one statement in one block of memory, texts each ended by NUL as libpq wants them.
struct EncodedBinds: Sendable, Hashable {
    private struct Place: Hashable {
        /// -1 is null.
        let offset: Int32
        /// Of a parameter in binary form; of no meaning for text.
        let length: Int32
        /// 0 travels as text, and what it is the server works out.
        let type: Oid
    }

    private var bytes: [UInt8] = []
    private var places: [Place] = []
    /// What the statement is prepared with: the type of each parameter, or none where all are texts.
    private(set) var types: [Oid] = []

    static let none = EncodedBinds()

    private init() {}

    init(_ binds: [any PostgresBindable], statement: String) throws(PostgresError) {
        guard !binds.isEmpty else { return }
        guard binds.count <= Int(UInt16.max) else {
            throw PostgresError(
                .encoding, message: "\(binds.count) parameters; 65,535 is the limit", statement: statement)
        }
        places.reserveCapacity(binds.count)
        var hasBinary = false
        for (index, bind) in binds.enumerated() {
            let start = bytes.count
            let type = Swift.type(of: bind).binaryParameter
            let (isNull, holdsNUL) = append(bind, isBinary: type != nil)
            guard !holdsNUL else {
                throw PostgresError(.encoding, message: "parameter $\(index + 1) contains NUL", statement: statement)
            }
            guard let offset = Int32(exactly: start), let end = Int32(exactly: bytes.count) else {
                throw PostgresError(.encoding, message: "parameters of more than 2 GB", statement: statement)
            }
            places.append(Place(offset: isNull ? -1 : offset, length: end - offset, type: type ?? 0))
            hasBinary = hasBinary || type != nil
            if type == nil { bytes.append(0) }
        }
        if hasBinary { types = places.map(\.type) }
    }

    private mutating func append(_ bind: any PostgresBindable, isBinary: Bool) -> (isNull: Bool, holdsNUL: Bool) {
        guard isBinary else {
            let start = bytes.count
            let isNull = !bind.appendPostgresText(to: &bytes)
            return (isNull, bytes[start...].contains(0))
        }
        // Moved there and back: an array in two places would be copied at its first change.
        var binary = PostgresBinary(appendingTo: bytes.taken())
        let isNull = !bind.appendPostgresBinary(to: &binary)
        let holdsNUL = binary.holdsNUL
        bytes = binary.bytes
        return (isNull, holdsNUL)
    }

    var count: Int { places.count }

    /// What libpq's `PQsend…` functions take; the pointers are good only inside.
    struct Pointers {
        let values: UnsafePointer<UnsafePointer<CChar>?>?
        let lengths: UnsafePointer<Int32>?
        let formats: UnsafePointer<Int32>?
    }

    func withPointers<Result>(_ body: (Pointers) -> Result) -> Result {
        guard !places.isEmpty else { return body(Pointers(values: nil, lengths: nil, formats: nil)) }
        return bytes.withUnsafeBytes { memory in
            let base = memory.baseAddress?.assumingMemoryBound(to: CChar.self)
            return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: places.count) { values in
                for (index, place) in places.enumerated() {
                    values.initializeElement(
                        at: index, to: place.offset < 0 ? nil : base.map { $0 + Int(place.offset) })
                }
                guard !types.isEmpty else {
                    return body(Pointers(values: UnsafePointer(values.baseAddress), lengths: nil, formats: nil))
                }
                return withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * places.count) { numbers in
                    for (index, place) in places.enumerated() {
                        numbers.initializeElement(at: index, to: place.length)
                        numbers.initializeElement(at: places.count + index, to: place.type == 0 ? 0 : 1)
                    }
                    let lengths = UnsafePointer(numbers.baseAddress)
                    return body(
                        Pointers(
                            values: UnsafePointer(values.baseAddress), lengths: lengths,
                            formats: lengths.map { $0 + places.count }))
                }
            }
        }
    }
}

extension [UInt8] {
    /// The bytes, which are not here any more.
    fileprivate mutating func taken() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &self)
        return taken
    }
}
