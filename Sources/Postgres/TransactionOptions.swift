/// How a transaction begins.
public struct TransactionOptions: Sendable, Hashable {
    public enum Isolation: String, Sendable {
        case readCommitted = "READ COMMITTED"
        /// One snapshot for all its statements.
        case repeatableRead = "REPEATABLE READ"
        case serializable = "SERIALIZABLE"
    }

    public var isolation: Isolation
    public var isReadOnly: Bool
    /// What holds from its beginning.
    public var settings: LocalSettings?
    /// The server's limit for each of its statements; nil is the configured one.
    public var statementTimeout: Duration?

    public init(
        isolation: Isolation = .readCommitted, isReadOnly: Bool = false, settings: LocalSettings? = nil,
        statementTimeout: Duration? = nil
    ) {
        self.isolation = isolation
        self.isReadOnly = isReadOnly
        self.settings = settings
        self.statementTimeout = statementTimeout
    }

    var begin: Statement {
        var sql = "BEGIN"
        if isolation != .readCommitted { sql += " ISOLATION LEVEL \(isolation.rawValue)" }
        if isReadOnly { sql += " READ ONLY" }
        return Statement(name: "begin", sql: sql)
    }

    static let commit = Statement(name: "commit", sql: "COMMIT")
    static let rollback = Statement(name: "rollback", sql: "ROLLBACK")
}
