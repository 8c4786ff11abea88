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
}
