/// One SQL statement with `$1`-style parameters and the name that errors, metrics and logs know it by.
///
/// A connection prepares a statement at its first use there. Equality looks at name, text and plan, so two texts under
/// one name do not disturb each other.
public struct Statement: Sendable, Hashable {
    /// How the server plans a statement.
    public enum Plan: Sendable, Hashable {
        /// Prepared once a connection: one plan serves all values.
        case auto
        /// Sent unnamed and planned for its values each time; for texts made at run time and for very uneven data. In a
        /// transaction the server may plan for the values of whatever comes behind it, too.
        case custom
    }

    public let name: String
    public let sql: String
    public let plan: Plan
    /// Hashing a text of some kilobytes at each look-up would cost more than the look-up.
    private let hash: Int

    public init(name: String, sql: String, plan: Plan = .auto) {
        self.name = name
        self.sql = sql
        self.plan = plan
        var hasher = Hasher()
        hasher.combine(name)
        hasher.combine(sql)
        hash = hasher.finalize()
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    public static func == (left: Statement, right: Statement) -> Bool {
        left.hash == right.hash && left.plan == right.plan && left.name == right.name && left.sql == right.sql
    }
}
