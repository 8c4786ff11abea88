import CLibPQ
import Foundation

/// What went wrong between here and the database.
///
/// `description` is fit for a log and an operator: it holds no value of a row or of a bind. `debugDescription` holds all
/// that the server said, values included.
public struct PostgresError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    public enum Kind: String, Sendable, CaseIterable {
        /// The server refused a statement; `sqlState` says why.
        case server
        /// No connection, or it was lost; nothing of the unit of work is committed.
        case connection
        /// The connection was lost while COMMIT was under way: committed or not, only a look can tell.
        case commitUnknown
        /// A cell could not be read as the type asked for.
        case decoding
        /// A value cannot be sent: a NUL in a text, more than 65,535 parameters.
        case encoding
        /// Too many callers wait, or this one waited too long for its turn.
        case overloaded
        /// The caller's task was cancelled; its result is abandoned.
        case cancelled
        /// The database object was closed, or a transaction was used after its end.
        case closed
        case unknownStatement
        /// The connection string is wrong, or the server is too old.
        case configuration
    }

    private let fields: Fields

    public var kind: Kind { fields.kind }
    /// Present when the server spoke.
    public var sqlState: SQLState? { fields.sqlState }
    /// The constraint's name as the server gave it; see `violates(_:)`.
    public var constraint: String? { fields.constraint }
    public var table: String? { fields.table }
    /// For `.decoding` the column of the result, else the table's column as the server named it.
    public var column: String? { fields.column }
    /// The statement's name.
    public var statement: String? { fields.statement }
    /// The primary message. May hold values.
    public var message: String { fields.message }
    /// May hold values.
    public var detail: String? { fields.detail }
    public var hint: String? { fields.hint }
    /// 1-based character in the statement's text.
    public var position: Int? { fields.position }

    /// Repeating the whole unit of work can succeed: serialisation failure or deadlock.
    public var isRetryable: Bool { sqlState == .serializationFailure || sqlState == .deadlockDetected }
    /// The server refused what it may accept a moment later: it stops, starts, is full, somebody held a lock for too long,
    /// or it is a standby that is about to be promoted. Says nothing against what was asked for.
    public var isTemporary: Bool {
        guard let sqlState else { return false }
        if isRetryable || sqlState.errorClass == "08" || sqlState.errorClass == "53" { return true }
        return Self.temporary.contains(sqlState)
    }

    private static let temporary: Set<SQLState> = [
        .lockNotAvailable, .queryCanceled, .adminShutdown, .crashShutdown, .cannotConnectNow, .idleInTransactionTimeout,
        .readOnlyTransaction,
    ]

    /// The connection was lost or never made. For `.commitUnknown` the work may nevertheless be committed.
    public var isConnectionLost: Bool { kind == .connection || kind == .commitUnknown }
    /// COMMIT may or may not have happened.
    public var isCommitUnknown: Bool { kind == .commitUnknown }

    /// Whether the error is about the constraint or unique index of that name, also where a shard of a distributed
    /// table reports it under its own name (`name_102008`).
    public func violates(_ constraint: String) -> Bool {
        guard let reported = self.constraint else { return false }
        return reported == constraint || PostgresError.withoutShardSuffix(reported) == constraint
    }

    /// `name` without a trailing `_` and digits.
    public static func withoutShardSuffix(_ name: String) -> String {
        let digits = name.utf8.reversed().prefix { (0x30...0x39).contains($0) }.count
        let rest = name.utf8.dropLast(digits)
        guard digits > 0, rest.last == 0x5F, rest.count > 1 else { return name }
        return String(decoding: rest.dropLast(), as: UTF8.self)
    }

    public var description: String {
        var text = "\(kind.rawValue) error"
        if let statement { text += " in statement \(statement)" }
        if let sqlState { text += ", SQLSTATE \(sqlState)" }
        if let constraint { text += ", constraint \(constraint)" }
        if let column { text += ", column \(column)" }
        if messageIsSafe { text += ": \(message)" }
        return text
    }

    public var debugDescription: String {
        var text = messageIsSafe ? description : description + ": \(message)"
        if let detail { text += "; detail: \(detail)" }
        if let hint { text += "; hint: \(hint)" }
        if let position { text += "; at character \(position)" }
        if let context = fields.context { text += "; context: \(context)" }
        return text
    }

    /// Messages about data (class 22), constraints (23) and those raised by functions (P0) can quote values; those
    /// about syntax, resources, connections and our own do not.
    private var messageIsSafe: Bool {
        guard kind == .server, let sqlState else { return true }
        return !["22", "23", "P0", "44"].contains(sqlState.errorClass)
    }

    /// The server dropped or changed what a prepared statement stood on: preparing anew cures it.
    var isStalePlan: Bool {
        sqlState == .invalidStatementName
            || (sqlState == .featureNotSupported && fields.sourceFunction == "RevalidateCachedQuery")
    }

    public init(
        _ kind: Kind, message: String, statement: String? = nil, column: String? = nil, sqlState: SQLState? = nil
    ) {
        var fields = FieldValues(kind: kind, message: message)
        fields.statement = statement
        fields.column = column
        fields.sqlState = sqlState
        self.fields = Fields(fields)
    }

    /// Reads the fields of a failed result; the result stays the caller's.
    init(result: OpaquePointer, statement: String?) {
        func field(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
        let state = field(pq_field_sqlstate).map(SQLState.init(rawValue:))
        let severity = field(pq_field_severity)
        let fallback = String(cString: PQresultErrorMessage(result)).trimmedLine
        // A message of libpq itself has no SQLSTATE; a FATAL one is the server's last word on this connection.
        let isLoss = state == nil || severity == "FATAL" || severity == "PANIC"
        let message = field(pq_field_message) ?? (fallback.isEmpty ? "the connection is lost" : fallback)
        var fields = FieldValues(kind: isLoss ? .connection : .server, message: message)
        fields.sqlState = state
        fields.statement = statement
        fields.constraint = field(pq_field_constraint)
        if fields.constraint == nil, state?.errorClass == "23" {
            fields.constraint = PostgresError.constraintName(in: fields.message)
        }
        fields.table = field(pq_field_table)
        fields.column = field(pq_field_column)
        fields.detail = field(pq_field_detail)
        fields.hint = field(pq_field_hint)
        fields.position = field(pq_field_position).flatMap { Int($0) }
        fields.context = field(pq_field_context)
        fields.sourceFunction = field(pq_field_source_function)
        self.fields = Fields(fields)
    }

    /// For a place where nothing else is thrown, but the compiler cannot know.
    init(wrapping error: any Error) {
        self = error as? PostgresError ?? PostgresError(.server, message: String(describing: error))
    }

    /// The same error under another kind.
    func reclassified(as kind: Kind) -> PostgresError {
        var values = fields.values
        values.kind = kind
        return PostgresError(fields: Fields(values))
    }

    private init(fields: Fields) { self.fields = fields }

    /// A distributed table's shard gives the constraint only inside the message: `… constraint "name_102008"`.
    private static func constraintName(in message: String) -> String? {
        guard let keyword = message.range(of: "constraint \"") else { return nil }
        let rest = message[keyword.upperBound...]
        return rest.firstIndex(of: "\"").map { String(rest[..<$0]) }
    }

    private struct FieldValues: Sendable {
        var kind: Kind
        var message: String
        var sqlState: SQLState?
        var statement: String?
        var constraint: String?
        var table: String?
        var column: String?
        var detail: String?
        var hint: String?
        var position: Int?
        var context: String?
        var sourceFunction: String?
    }

    /// Behind one reference, so that a result type with this error stays small.
    @dynamicMemberLookup
    private final class Fields: Sendable {
        let values: FieldValues
        init(_ values: FieldValues) { self.values = values }
        subscript<Value>(dynamicMember path: KeyPath<FieldValues, Value>) -> Value { values[keyPath: path] }
    }
}

extension String {
    /// libpq ends its messages with a line feed and sometimes adds a second line of advice.
    var trimmedLine: String {
        split(separator: "\n").map { $0.drop(while: { $0 == " " || $0 == "\t" }) }.joined(separator: " ")
    }
}
