import Core
import Foundation
import Logging
import Postgres
import Store
import Synchronization
import TestKit
import Testing

@Suite("The schema and its migrations")
struct SchemaTests {
    /// Indexes that do not begin with workspace_id: what is no tenant's (S36), and look-ups by a public id.
    private static let otherIndexes: Set<String> = [
        "workspaces_pkey", "processes_pkey", "workspaces_name_key", "workspaces_rate_limit_idx", "operator_keys_pkey",
        "schema_migrations_pkey", "api_keys_id_idx",
        "channels_id_idx", "contacts_tags_idx",
    ]

    @Test("S36: keys and references begin with the workspace, but for the named exceptions")
    func keys() async throws {
        try await withTestStore { store, _ in
            let indexes = try await store.rows(
                """
                SELECT c.relname::text AS name, i.indisunique AS is_unique FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                    JOIN pg_class t ON t.oid = i.indrelid
                    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                WHERE t.relnamespace = 'public'::regnamespace AND a.attname IS DISTINCT FROM 'workspace_id'
                """)
            let names = Set(try indexes.map { try $0.decode("name", as: String.self) })
            #expect(names == Self.otherIndexes)
            let references = try await store.rows(
                """
                SELECT k.conname::text AS name FROM pg_constraint k
                    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
                    JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]
                WHERE k.contype = 'f' AND NOT (a.attname = 'workspace_id'
                    AND f.attname = CASE WHEN k.confrelid = 'workspaces'::regclass THEN 'id' ELSE 'workspace_id' END)
                """)
            #expect(try references.map { try $0.decode("name", as: String.self) } == [])
            // Every table but those has the column at all, and never empty.
            let without = try await store.rows(
                """
                SELECT c.relname::text AS name FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
                    AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id' AND a.attnotnull)
                ORDER BY 1
                """)
            #expect(
                try without.map { try $0.decode("name", as: String.self) } == [
                    "operator_keys", "processes", "schema_migrations", "workspaces",
                ])
        }
    }

    @Test("the invariants that stand in the schema itself refuse what breaks them")
    func invariants() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            _ = try await scenario.team(limits: [1])
            let one = try await store.write { [workspace = scenario.workspace] in
                try $0.ingest([scenario.message("a")], requestID: UUID(), in: workspace)[0]
            }
            let binds: [any PostgresBindable] = [scenario.workspace, one.conversationID]
            for (sql, state) in [
                (
                    """
                    INSERT INTO conversations (workspace_id, id, contact_id, source, opened_at, last_event_at)
                    SELECT workspace_id, gen_random_uuid(), contact_id, source, opened_at, last_event_at FROM conversations
                    WHERE workspace_id = $1 AND id = $2
                    """, SQLState.uniqueViolation
                ),
                (
                    """
                    INSERT INTO events (workspace_id, id, type, conversation_id, sequence, occurred_at, source)
                    SELECT workspace_id, ('f' || substr(id::text, 2))::uuid, type, conversation_id, sequence, occurred_at, source
                    FROM (SELECT workspace_id, id, type, conversation_id, sequence, occurred_at, source FROM events
                        WHERE workspace_id = $1 AND conversation_id = $2 ORDER BY sequence LIMIT 1) e
                    CROSS JOIN generate_series(1, 2)
                    """, SQLState.uniqueViolation
                ),
                (
                    """
                    INSERT INTO message_receipts (workspace_id, channel_id, external_hash, message_id, opened, request_id)
                    SELECT workspace_id, channel_id, external_hash, gen_random_uuid(), false, gen_random_uuid() FROM message_receipts
                    WHERE workspace_id = $1 AND conversation_id = $2
                    """, SQLState.uniqueViolation
                ),
                (
                    "UPDATE agents SET open_count = -1 WHERE workspace_id = $1 AND $2::uuid IS NOT NULL",
                    SQLState.checkViolation
                ),
                (
                    "UPDATE conversations SET status = 'closed' WHERE workspace_id = $1 AND id = $2",
                    SQLState.checkViolation
                ),
            ] {
                do {
                    try await store.execute(sql, binds)
                    Issue.record("was allowed: \(sql)")
                } catch let error as PostgresError {
                    #expect(error.sqlState == state, "\(sql)")
                }
            }
        }
    }

    /// `SWITCHBOARD_WRITE_SCHEMA=1 swift test --filter SchemaTests` writes the file anew after a migration was added.
    @Test("sql/schema.sql is what the migrations make")
    func dump() async throws {
        let file = ProjectRoot.url.appending(path: "sql/schema.sql")
        try await withTestStore { store, url in
            let major = try await store.value(
                "SELECT current_setting('server_version_num')::integer / 10000 AS major", as: Int.self)
            let dump = try SchemaDump.of(url, major: major)
            if ProcessInfo.processInfo.environment["SWITCHBOARD_WRITE_SCHEMA"] == "1" {
                try dump.write(to: file, atomically: true, encoding: .utf8)
            }
            let stored = try String(contentsOf: file, encoding: .utf8)
            // Another major version of pg_dump words the same schema otherwise.
            guard stored.contains("-- PostgreSQL \(major)\n") else { return }
            let difference = dump.split(separator: "\n").difference(from: stored.split(separator: "\n")).prefix(10)
            #expect(
                difference.isEmpty,
                "sql/schema.sql is out of date; SWITCHBOARD_WRITE_SCHEMA=1 swift test --filter SchemaTests writes it anew"
            )
        }
    }

    @Test("ten processes that start at once migrate once")
    func together() async throws {
        let migrations = try ProjectRoot.migrations.get()
        try await withTestDatabase { url in
            let applied = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        try await withMigrator(url, migrations) { migrator, _ in try await migrator.up() }
                    }
                }
                return try await group.reduce(into: [Int]()) { $0 += $1 }
            }
            #expect(applied.sorted() == migrations.map(\.number))
            try await withMigrator(url, migrations) { migrator, _ in
                try await migrator.requireCurrent()
                #expect(try await migrator.up() == [])
            }
        }
    }

    @Test("a changed migration and an unknown breaking one are refused, an unknown harmless one is warned of")
    func foreign() async throws {
        let migrations = try ProjectRoot.migrations.get()
        let folder = FileManager.default.temporaryDirectory.appending(path: "switchboard-migrations-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (index, migration) in migrations.enumerated() {
            let name = String(format: "%04d_%@.sql", migration.number, migration.name)
            let text = index == migrations.count - 1 ? migration.sql + "\n-- changed\n" : migration.sql
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        let changed = try Migration.all(in: folder)
        try await withTestStore { store, url in
            try await withMigrator(url, changed) { migrator, _ in
                await #expect(throws: MigrationError.self) { _ = try await migrator.up() }
                await #expect(throws: MigrationError.self) { try await migrator.requireCurrent() }
            }
            // A migration that fails leaves nothing behind and names itself.
            try "-- breaking: no\nCREATE TABLE half (id integer);\nSELECT 1 / 0;\n".write(
                to: folder.appending(path: "9000_half.sql"), atomically: true, encoding: .utf8)
            let broken = migrations + (try Migration.all(in: folder)).suffix(1)
            try await withMigrator(url, broken) { migrator, _ in
                await #expect(throws: PostgresError.self) { _ = try await migrator.up() }
            }
            #expect(try await store.value("SELECT to_regclass('half') IS NULL AS gone", as: Bool.self))

            try await store.execute(
                "INSERT INTO schema_migrations (number, name, breaking, checksum) VALUES (9998, 'harmless', false, 'x')"
            )
            try await withMigrator(url, migrations) { migrator, warnings in
                let again = try await migrator.up()
                #expect(again == [])
                #expect(warnings.all.contains { $0.contains("harmless") })
            }
            try await store.execute(
                "INSERT INTO schema_migrations (number, name, breaking, checksum) VALUES (9999, 'breaking', true, 'x')")
            try await withMigrator(url, migrations) { migrator, _ in
                await #expect(throws: MigrationError.self) { _ = try await migrator.up() }
            }
        }
    }

    @Test("S35: every table of a tenant has its policy, and no partition is there for the API's role")
    func policies() async throws {
        try await withTestStore { store, _ in
            let open = try await store.rows(
                """
                SELECT c.relname::text AS name FROM pg_class c
                WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
                    AND c.relname NOT IN ('schema_migrations', 'operator_keys', 'processes')
                    AND NOT (c.relrowsecurity AND EXISTS (
                        SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'workspace'
                            AND p.polroles = ARRAY['switchboard_api'::regrole::oid]
                            AND pg_get_expr(p.polqual, c.oid) ~ '^\\((workspace_)?id = current_workspace\\(\\)\\)$'))
                """)
            #expect(try open.map { try $0.decode("name", as: String.self) } == [])
            let reachable = try await store.rows(
                """
                SELECT c.relname::text AS name FROM pg_class c
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                    AND (c.relispartition OR c.relname IN ('schema_migrations', 'operator_keys'))
                    AND (has_table_privilege('switchboard_api', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
                        OR has_any_column_privilege('switchboard_api', c.oid, 'SELECT, INSERT, UPDATE'))
                """)
            #expect(try reachable.map { try $0.decode("name", as: String.self) } == [])
            #expect(try await store.value("SELECT count(*) FROM pg_class WHERE relispartition") as Int > 10)
        }
    }

    @Test("S35: the API's role owns nothing, reads no channel's token and cannot touch the migrations")
    func apiRole() async throws {
        try await withTestStore { store, url in
            let scenario = try await Scenario(store)
            #expect(
                try await store.value(
                    """
                    SELECT (SELECT count(*) FROM pg_class WHERE relowner = r.oid)
                        + (SELECT count(*) FROM pg_proc WHERE proowner = r.oid)
                        + (SELECT count(*) FROM pg_namespace WHERE nspowner = r.oid)
                        + (SELECT count(*) FROM pg_database WHERE datdba = r.oid) AS owned
                    FROM pg_roles r WHERE r.rolname = 'switchboard_api'
                    """) == 0)
            #expect(
                try await store.value(
                    "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolcanlogin AS strong FROM pg_roles WHERE rolname = 'switchboard_api'"
                ) == false)
            var configuration = DatabaseConfiguration(url: url)
            configuration.role = "switchboard_api"
            configuration.readConnections = 1
            configuration.transactionConnections = 1
            let database = Database(configuration: configuration, logger: TestDatabase.silentLogger)
            try await database.start()
            let api = Store(
                database: database, statements: try ProjectRoot.statements.get(), logger: TestDatabase.silentLogger)
            for sql in [
                "SELECT token FROM channel_secrets WHERE workspace_id = $1",
                "SELECT number FROM schema_migrations WHERE $1::uuid IS NOT NULL",
                "UPDATE schema_migrations SET checksum = '' WHERE $1::uuid IS NOT NULL",
                "INSERT INTO operator_keys (id, name, secret_hash) VALUES ($1, '', '')",
                "CREATE TABLE mine (id integer)",
            ] {
                do {
                    try await api.execute(sql, sql.contains("$1") ? [scenario.workspace] : [])
                    Issue.record("was allowed: \(sql)")
                } catch let error as PostgresError {
                    #expect(error.sqlState?.rawValue == "42501", "\(sql): \(error)")
                }
            }
            // What the API has to do, it can: accept a message and read it again.
            let access = AccessContext(workspace: scenario.workspace, actor: Actor(kind: "system"))
            try await AccessContext.$current.withValue(access) {
                let result = try await api.write { [workspace = scenario.workspace] in
                    try $0.ingest([scenario.message("a")], requestID: UUID(), in: workspace)
                }
                #expect(result.map(\.status) == [.accepted])
                _ = try await api.write { [workspace = scenario.workspace, channel = scenario.channel] in
                    try $0.rotateToken(ofChannel: channel, in: workspace)
                }
            }
            await database.close()
        }
    }
}

/// Opens a migrator as a process of its own would.
@discardableResult
private func withMigrator<Value: Sendable>(
    _ url: String, _ migrations: [Migration],
    _ body: @Sendable (Migrator, Warnings) async throws -> Value
) async throws -> Value {
    var configuration = DatabaseConfiguration(url: url)
    configuration.readConnections = 1
    configuration.transactionConnections = 1
    let database = Database(configuration: configuration, logger: TestDatabase.silentLogger)
    try await database.start()
    let warnings = Warnings()
    let logger = Logger(label: "test") { _ in WarningLog(warnings: warnings) }
    do {
        let value = try await body(Migrator(migrations: migrations, database: database, logger: logger), warnings)
        await database.close()
        return value
    } catch {
        await database.close()
        throw error
    }
}

private final class Warnings: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

private struct WarningLog: LogHandler {
    let warnings: Warnings
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .warning

    init(warnings: Warnings) { self.warnings = warnings }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        warnings.add("\(event.message) \(event.metadata ?? [:])")
    }
}
