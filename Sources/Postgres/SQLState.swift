/// The five characters by which PostgreSQL tells one error from another.
public struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }

    /// The first two characters: the class of the error.
    public var errorClass: Substring { rawValue.prefix(2) }

    public static let notNullViolation = SQLState(rawValue: "23502")
    public static let foreignKeyViolation = SQLState(rawValue: "23503")
    public static let uniqueViolation = SQLState(rawValue: "23505")
    public static let checkViolation = SQLState(rawValue: "23514")
    public static let exclusionViolation = SQLState(rawValue: "23P01")
    public static let stringTooLong = SQLState(rawValue: "22001")
    public static let numericOutOfRange = SQLState(rawValue: "22003")
    public static let invalidTextRepresentation = SQLState(rawValue: "22P02")
    public static let serializationFailure = SQLState(rawValue: "40001")
    public static let deadlockDetected = SQLState(rawValue: "40P01")
    public static let lockNotAvailable = SQLState(rawValue: "55P03")
    public static let queryCanceled = SQLState(rawValue: "57014")
    public static let adminShutdown = SQLState(rawValue: "57P01")
    public static let crashShutdown = SQLState(rawValue: "57P02")
    public static let cannotConnectNow = SQLState(rawValue: "57P03")
    public static let idleInTransactionTimeout = SQLState(rawValue: "25P03")
    public static let inFailedTransaction = SQLState(rawValue: "25P02")
    public static let readOnlyTransaction = SQLState(rawValue: "25006")
    public static let featureNotSupported = SQLState(rawValue: "0A000")
    public static let invalidStatementName = SQLState(rawValue: "26000")
    public static let insufficientPrivilege = SQLState(rawValue: "42501")
    public static let syntaxError = SQLState(rawValue: "42601")
    public static let undefinedTable = SQLState(rawValue: "42P01")
    public static let undefinedColumn = SQLState(rawValue: "42703")
    public static let duplicateDatabase = SQLState(rawValue: "42P04")
    public static let duplicateObject = SQLState(rawValue: "42710")
    public static let undefinedDatabase = SQLState(rawValue: "3D000")
    public static let tooManyConnections = SQLState(rawValue: "53300")
    public static let diskFull = SQLState(rawValue: "53100")
}
