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
        // Names are parameters too, so that there is one text, and one plan, for each number of settings.
        let calls = values.indices.map { "set_config($\(2 * $0 + 1), $\(2 * $0 + 2), true)" }
        statement = Statement(name: "settings", sql: "SELECT " + calls.joined(separator: ", "))
        binds = try EncodedBinds(values.flatMap { [$0.key, $0.value] }, statement: statement.name)
    }
}
