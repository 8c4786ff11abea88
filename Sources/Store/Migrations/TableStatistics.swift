import Postgres

extension Migrator {
    /// Has the server count what stands in tables that have begun to fill since they were counted, if they ever were.
    ///
    /// Until then it takes any index for as good as another, and keeps the plans that it makes of that; its own look comes
    /// once a minute, and nobody's first thousand messages should wait for it. Counting makes plans be made anew.
    /// - Returns: the tables' names.
    /// - Throws: `PostgresError`.
    @discardableResult
    public func countNewTables() async throws -> [String] {
        let tables = try await database.read(Self.uncounted).map { row in
            (name: try row.decode("name", as: String.self), columns: try row.decode("columns", as: String.self))
        }
        guard !tables.isEmpty else { return [] }
        try await database.transaction { transaction in
            // A tenth of the usual sample tells much from little, and columns that ask for a larger one can wait: the
            // server's own look, which this does not put off, takes the rest. Whoever is counting there does it for us.
            let counts = tables.map { "ANALYZE (SKIP_LOCKED) \($0.name) (\($0.columns));" }
            try transaction.runScript("SET LOCAL default_statistics_target = 10;" + counts.joined())
        }
        return tables.map(\.name)
    }

    private static let uncounted = Statement(
        name: "tables_uncounted",
        sql: """
            SELECT s.relid::regclass::text AS name,
                (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
                 WHERE a.attrelid = s.relid AND a.attnum > 0 AND NOT a.attisdropped AND coalesce(a.attstattarget, -1) < 0
                ) AS columns
            FROM pg_stat_user_tables s
                JOIN pg_class c ON c.oid = s.relid
            WHERE c.reltuples <= 0 AND s.n_live_tup >= 100 AND s.schemaname = current_schema()
            ORDER BY s.relid
            """, plan: .custom)
}
