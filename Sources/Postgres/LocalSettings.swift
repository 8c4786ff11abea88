/// Settings that hold for one transaction or one read, as `SET LOCAL` makes them: gone when it ends, whatever happens.
///
/// They travel in front of the first statement and cost no round trip. What a statement sees of them is
/// `current_setting('name', true)`.
public struct LocalSettings: Sendable, Hashable {
    let statement: Statement
    let binds: EncodedBinds

    /// Of our own.
    init(sql: String) {
        statement = Statement(name: "settings", sql: sql)
        binds = .none
    }

    /// - Parameter values: `prefix.name` and its text; the server wants a prefix for names of ours.
    /// - Throws: `.encoding` for a text that contains NUL.
    public init(_ values: KeyValuePairs<String, String>) throws(PostgresError) {
        statement = Self.statement(values.count)
        binds = try EncodedBinds(values.flatMap { [$0.key, $0.value] }, statement: statement.name)
    }

    /// Names are parameters too, so that there is one text, and one plan, for each number of settings.
    private static func statement(_ count: Int) -> Statement {
        count < usual.count ? usual[count] : make(count)
    }

    /// Made once: every read carries one of them.
    private static let usual = (0...8).map(make)

    private static func make(_ count: Int) -> Statement {
        let calls = (0..<count).map { "set_config($\(2 * $0 + 1), $\(2 * $0 + 2), true)" }
        return Statement(name: "settings", sql: "SELECT " + calls.joined(separator: ", "))
    }
}
