import Foundation
import Postgres
import Store
import TestKit
import Testing

@Suite struct TableStatisticsTests {
    @Test func aTableIsCountedWhenItBeginsToFillAndThenLeftToTheServer() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let migrator = Migrator(
                migrations: try ProjectRoot.migrations.get(), database: store.database,
                logger: TestDatabase.silentLogger)
            let insert = """
                INSERT INTO contacts (workspace_id, id, name) SELECT $1, gen_random_uuid(), 'n' FROM generate_series(1, 200)
                """
            #expect(try await !migrator.countNewTables().contains("contacts"))
            // Somebody counts what is empty, as after a restore.
            try await store.execute("ANALYZE contacts")
            try await store.execute(insert, [scenario.workspace])
            // The server hears of a transaction's rows within a second of its end.
            #expect(try await eventually { try await migrator.countNewTables().contains("contacts") })
            let pages = "SELECT reltuples::int AS rows FROM pg_class WHERE oid = 'contacts'::regclass"
            #expect(try await store.value(pages, as: Int.self) == 200)
            #expect(
                try await eventually {
                    try await store.value(
                        "SELECT count(last_analyze) AS n FROM pg_stat_user_tables WHERE relid = 'contacts'::regclass",
                        as: Int.self) == 1
                })
            try await store.execute(insert, [scenario.workspace])
            #expect(try await !migrator.countNewTables().contains("contacts"))
        }
    }

    /// Each index of an empty table costs nothing, and the plan is kept.
    @Test func anIdentityIsFoundByItsKeyThoughTheTableWasCountedEmpty() async throws {
        try await withTestStore { store, url in
            let statement = try ProjectRoot.statements.get().statement("ingest_identities")
            let admin = Database.admin(DatabaseConfiguration(url: url), logger: TestDatabase.silentLogger)
            let plan = try await admin.session { session in
                _ = try session.execute(
                    """
                    ANALYZE identities; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
                    SET enable_mergejoin = off; PREPARE p (uuid, uuid[], text[]) AS \(statement.sql)
                    """)
                return try session.execute("EXPLAIN EXECUTE p (gen_random_uuid(), '{}', '{}')")?.map { row in
                    try row.decode("QUERY PLAN", as: String.self)
                }
            }
            let indexes = (plan ?? []).filter { $0.contains(" using ") }
            #expect(indexes.count == 1 && indexes[0].contains("using identities_pkey"), "\(plan ?? [])")
        }
    }
}
