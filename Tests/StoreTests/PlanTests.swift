import Core
import Foundation
import Postgres
import Store
import TestKit
import Testing

/// What statements touch in a database of real size: 1,000,000 messages, 100,000 conversations, three workspaces.
@Suite("Plans", .serialized)
struct PlanTests {
    /// Pages, hit or read, that a statement may touch: for each row, and besides.
    private static let perRow = 20.0
    private static let besides = 50.0

    /// A row is one that is returned, one that is written, an index's entry for one that is written, or a key that was asked
    /// for: a message that was never seen is looked up too.
    @Test("every statement touches at most 20 pages a row and 50 besides", .timeLimit(.minutes(10)))
    func pages() async throws {
        let statements = try ProjectRoot.statements.get()
        var given: [String: [[String]]] = [:]
        for line in PlanArguments.text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            given[words[0], default: []].append(Array(words.dropFirst()))
        }
        for statement in statements.all {
            let isLeftOut = PlanArguments.isLeftOut(statement.name, statement.sql)
            #expect(
                (given[statement.name] == nil) == isLeftOut, "\(statement.name) has no arguments to be explained with")
        }
        let plans = given
        try await withTestDatabase(template: try Self.template()) { url in
            let explained = try await Database.admin(DatabaseConfiguration(url: url), logger: TestDatabase.silentLogger)
                .session {
                    session in
                    _ = try session.execute("SET plan_cache_mode = force_custom_plan")
                    var explained = 0
                    for workspace in try Self.texts(session, "SELECT quote_literal(id) FROM workspaces ORDER BY name") {
                        let words = try Self.words(session, workspace)
                        for (name, calls) in plans.sorted(by: { $0.key < $1.key }) {
                            guard let statement = statements[name] else {
                                Issue.record("there is no statement \(name)")
                                continue
                            }
                            for call in calls {
                                let plan = try Self.explain(session, statement, call.map { words[$0] ?? $0 })
                                let keys = call.contains { $0.hasSuffix("*") } ? 20.0 : 0
                                let rows = max(plan.rows, keys) + plan.indexEntries
                                let limit = Self.perRow * rows + Self.besides
                                #expect(
                                    plan.pages <= limit,
                                    "\(name) \(call.joined(separator: " ")) in \(workspace): \(plan.pages) pages for \(rows) rows"
                                )
                                explained += 1
                            }
                        }
                    }
                    return explained
                }
            #expect(explained > 400)
        }
    }

    private struct Plan {
        var pages: Double
        var rows: Double
        /// Entries of indexes that were written with the rows.
        var indexEntries: Double
    }

    private static func explain(_ session: PostgresSession, _ statement: Statement, _ arguments: [String]) throws
        -> Plan
    {
        _ = try session.execute("BEGIN; PREPARE probe AS \(statement.sql)\n")
        let call = arguments.isEmpty ? "probe" : "probe (\(arguments.joined(separator: ", ")))"
        let rows = try session.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE \(call)")
        let text: String = try rows?.first?.decode("QUERY PLAN") ?? "[]"
        _ = try session.execute("ROLLBACK; DEALLOCATE ALL")
        let node = try JSON.parse(Array(text.utf8)).array?.first?["Plan"] ?? .null
        func number(_ name: String, _ node: JSON) -> Double {
            switch node[name] {
            case .integer(let value): Double(value)
            case .number(let value): value
            default: 0
            }
        }
        var plan = Plan(
            pages: number("Shared Hit Blocks", node) + number("Shared Read Blocks", node),
            rows: number("Actual Rows", node),
            indexEntries: 0)
        if node["Node Type"]?.string == "ModifyTable", let source = node["Plans"]?.array?.first {
            plan.rows = max(plan.rows, number("Actual Rows", source) * number("Actual Loops", source))
            if node["Operation"]?.string != "Delete", let table = node["Relation Name"]?.string {
                let count = try session.execute(
                    "SELECT count(*) AS count FROM pg_index WHERE indrelid = '\(table)'::regclass")
                plan.indexEntries = plan.rows * Double(try count?.first?.decode("count", as: Int.self) ?? 0)
            }
        }
        return plan
    }

    private static func texts(_ session: PostgresSession, _ sql: String) throws -> [String] {
        guard let rows = try session.execute(sql), let column = rows.first?.columns.first else { return [] }
        return try rows.map { try $0.decode(column, as: String.self) }
    }

    /// The words of `PlanArguments` in one workspace.
    private static func words(_ session: PostgresSession, _ workspace: String) throws -> [String: String] {
        var words = ["W": workspace, "-": "NULL"]
        for (word, value) in [
            ("NULLS", "NULL::text"), ("NULLIDS", "NULL::uuid"), ("NULLTIMES", "NULL::timestamptz"), ("NOWS", "now()"),
            ("FALSES", "false"), ("OPENS", "'open'::text"), ("NORMALS", "'normal'::text"),
            ("ACTIVES", "'active'::text"),
            ("SENTS", "'sent'::text"), ("OBJECTS", "'{}'::text"), ("TAGS", "'[\"vip\"]'::text"), ("SIXES", "6::bigint"),
            ("ONES", "1::integer"), ("ZEROS", "0::bigint"), ("FLOATS", "5::double precision"),
        ] {
            words[word] = "array_fill(\(value), ARRAY[20])"
        }
        func set(_ word: String, _ values: [String]) {
            guard let first = values.first else {
                Issue.record("no \(word) in \(workspace)")
                return
            }
            let type = ["EXTERNAL": "text", "HASH": "bytea"][word] ?? "uuid"
            words["\(word)*"] = "ARRAY[\(values.joined(separator: ", "))]::\(type)[]"
            words[word] = word.hasSuffix("20") ? words["\(word)*"] : first
        }
        let open =
            "FROM conversations WHERE workspace_id = \(workspace) AND status = 'open' AND NOT waiting ORDER BY opened_at DESC OFFSET 3 LIMIT 20"
        set("CONV", try texts(session, "SELECT quote_literal(id) \(open)"))
        set("CONTACT", try texts(session, "SELECT quote_literal(contact_id) \(open)"))
        for (word, sql) in PlanArguments.words {
            var sql = sql.replacingOccurrences(of: "$W", with: workspace)
            for name in ["CONTACT", "CONV"] {
                sql = sql.replacingOccurrences(of: "$\(name)S", with: words["\(name)*"] ?? "")
                    .replacingOccurrences(of: "$\(name)", with: words[name] ?? "")
            }
            set(word, try texts(session, sql))
        }
        return words
    }

    /// Built once a server, then cloned; a changed migration or seed gives a new one. The day is part of the name, since
    /// what is due and how old things are goes by the clock.
    private static func template() throws -> TestDatabaseTemplate {
        let migrations = try ProjectRoot.migrations.get()
        let day = String(Int(Date().timeIntervalSince1970) / 43_200)
        return TestDatabaseTemplate(
            name: "plans_" + TestDatabaseTemplate.hash(migrations.map(\.sql) + [planSeed, day])
        ) { url in
            var configuration = DatabaseConfiguration(url: url)
            configuration.readConnections = 1
            configuration.transactionConnections = 1
            let database = Database(configuration: configuration, logger: TestDatabase.silentLogger)
            try await database.start()
            try await Migrator(migrations: migrations, database: database, logger: TestDatabase.silentLogger).up()
            await database.close()
            let admin = Database.admin(DatabaseConfiguration(url: url), logger: TestDatabase.silentLogger)
            try await admin.execute(planSeed)
            try await admin.execute("VACUUM ANALYZE")
        }
    }
}
