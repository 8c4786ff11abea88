import CLibPQ
import TextForms

/// The rows of one result, in the server's order. Cells are copied only when decoded; a row keeps its whole result alive.
public struct PostgresRows: RandomAccessCollection, Sendable {
    let storage: ResultStorage

    /// Rows changed by an INSERT, UPDATE, DELETE, MERGE or COPY; rows returned by a SELECT.
    public var affected: Int { storage.affected }
    /// The columns' names.
    public var columns: [String] { storage.columns.names }
    /// The statement that gave them.
    public var statement: String { storage.statement }

    public var startIndex: Int { 0 }
    public var endIndex: Int { storage.count }
    public subscript(position: Int) -> PostgresRow {
        precondition(position >= 0 && position < storage.count, "row \(position) of \(storage.count)")
        return PostgresRow(storage: storage, index: position)
    }

    /// Every row's value of one column.
    public func decode<Value: PostgresDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> [Value] {
        let index = try storage.index(of: column)
        var values: [Value] = []
        values.reserveCapacity(count)
        for row in 0..<storage.count { values.append(try storage.decode(row: row, column: index)) }
        return values
    }
}

/// One row.
public struct PostgresRow: Sendable {
    let storage: ResultStorage
    let index: Int

    public var columns: [String] { storage.columns.names }

    /// The value of a column.
    ///
    /// - Throws: `.decoding`, naming statement and column, when there is no such column, when it is null and the type
    ///   is not optional, or when the text is no such value.
    public func decode<Value: PostgresDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        try storage.decode(row: index, column: storage.index(of: column))
    }

    /// The value of a column by its place, from 0.
    public func decode<Value: PostgresDecodable>(
        at column: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard column >= 0, column < storage.columns.names.count else {
            throw PostgresError(
                .decoding, message: "there are \(storage.columns.names.count) columns", statement: storage.statement,
                column: "#\(column)")
        }
        return try storage.decode(row: index, column: column)
    }

    /// The cell's text as the server sent it, nil for null; for renderers that do not know the columns' types.
    public func text(at column: Int) throws(PostgresError) -> String? { try decode(at: column) }
}

/// Names and types of a result's columns; one object for all results of a prepared statement on a connection.
final class ResultColumns: Sendable {
    let names: [String]
    let types: [JSONForm]
    /// What stands before a column's value in the row's JSON: `{"name":` or `,"name":`.
    let openings: [[UInt8]]
    private let indices: [String: Int]

    init(result: OpaquePointer) {
        names = (0..<PQnfields(result)).map { PQfname(result, $0).map { String(cString: $0) } ?? "" }
        types = (0..<PQnfields(result)).map { JSONForm(type: PQftype(result, $0)) }
        openings = names.enumerated().map { index, name in
            var opening: [UInt8] = [UInt8(ascii: index == 0 ? "{" : ",")]
            JSONString.append(name, to: &opening)
            return opening + [UInt8(ascii: ":")]
        }
        indices = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private init() {
        names = []
        types = []
        openings = []
        indices = [:]
    }

    static let none = ResultColumns()

    func index(of name: String) -> Int? {
        // Most names fit a string's own 15 bytes, where comparing costs less than hashing.
        if names.count <= 12 { return names.firstIndex(of: name) }
        return indices[name]
    }
}

/// Owns one `PGresult`.
///
/// `@unchecked` because of the pointer alone: once received, a result is never changed by libpq or by us, the functions
/// used here only read it (in range, so that no notice is raised), and it is freed once, in `deinit`.
final class ResultStorage: @unchecked Sendable {
    private let result: OpaquePointer
    let statement: String
    let columns: ResultColumns
    let count: Int

    /// Takes the result over.
    init(result: OpaquePointer, statement: String, columns: ResultColumns) {
        self.result = result
        self.statement = statement
        self.columns = columns
        count = Int(PQntuples(result))
    }

    deinit { PQclear(result) }

    var affected: Int { Int(String(cString: PQcmdTuples(result))) ?? 0 }

    /// `COMMIT`, `INSERT 0 1` …
    var commandTag: String { String(cString: PQcmdStatus(result)) }

    func index(of column: String) throws(PostgresError) -> Int {
        guard let index = columns.index(of: column) else {
            throw PostgresError(
                .decoding, message: "no such column; there are: \(columns.names.joined(separator: ", "))",
                statement: statement, column: column)
        }
        return index
    }

    /// The text of a value, nil for null. Both indices are in range; the bytes are valid as long as this object is.
    func cell(row: Int, column: Int) -> UnsafeBufferPointer<UInt8>? {
        let (row, position) = (Int32(truncatingIfNeeded: row), Int32(truncatingIfNeeded: column))
        let count = Int(PQgetlength(result, row, position))
        // Null has no length; what has one is not null.
        guard count > 0 || PQgetisnull(result, row, position) == 0, let cell = PQgetvalue(result, row, position) else {
            return nil
        }
        return UnsafeBufferPointer(start: UnsafeRawPointer(cell).assumingMemoryBound(to: UInt8.self), count: count)
    }

    /// Both indices are in range.
    func decode<Value: PostgresDecodable>(row: Int, column: Int) throws(PostgresError) -> Value {
        do throws(PostgresTextError) {
            guard let bytes = cell(row: row, column: column) else {
                guard let null = Value.postgresNull else { throw PostgresTextError("null, which is no \(Value.self)") }
                return null
            }
            defer { withExtendedLifetime(self) {} }
            return try Value(postgresText: bytes.span)
        } catch {
            throw PostgresError(.decoding, message: error.reason, statement: statement, column: columns.names[column])
        }
    }
}
