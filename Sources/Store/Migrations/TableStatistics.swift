import Postgres

extension Migrator {
    /// Has the server count what stands in tables that have begun to fill and were never counted.
    ///
    /// Until then it takes any index for as good as another, and keeps the plans that it makes of that; its own look comes
    /// once a minute, and nobody's first thousand messages should wait for it. Counting makes plans be made anew.
    /// - Returns: the tables' names.
    /// - Throws: `PostgresError`.
    @discardableResult
    public func countNewTables() async throws -> [String] {
        let names = try await database.read(Self.uncounted).map { try $0.decode("name", as: String.self) }
        guard !names.isEmpty else { return [] }
        try await database.transaction { transaction in
            // Whoever is counting there already does it for us.
            try transaction.runScript(names.map { "ANALYZE (SKIP_LOCKED) \($0);" }.joined())
        }
        return names
    }

    private static let uncounted = Statement(
        name: "tables_uncounted",
        sql: """
            SELECT s.relid::regclass::text AS name FROM pg_stat_user_tables s
            WHERE s.last_analyze IS NULL AND s.last_autoanalyze IS NULL AND s.n_mod_since_analyze >= 100
                AND s.schemaname = current_schema()
            ORDER BY s.relid
            """, plan: .custom)
}
