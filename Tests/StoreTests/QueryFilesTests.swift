import Foundation
import Postgres
import Store
import TestKit
import Testing

/// The rules that every statement of `sql/queries` keeps (docs/semantics.md S35, S36, S39–S42).
@Suite("Statements of sql/queries")
struct QueryFilesTests {
    /// Statements that do not know their workspace, or concern all of them: each with the reason.
    private static let acrossWorkspaces: [String: String] = [
        "api_key_authenticate": "a key by its public id (S36)",
        "channel_authenticate": "a channel's token by its public id (S36)",
        "operator_key_insert": "operators stand above workspaces", "operator_key_authenticate": "operators",
        "operator_keys_list": "operators", "operator_key_revoke": "operators",
        "workspace_insert": "makes the workspace", "workspaces_list": "operators",
        "workspace_find_by_name": "operators",
        "workspaces_with_rate_limits": "every process knows the few that have one",
        "workspaces_with_due_signals": "which workspaces have work (S39)",
        "workspaces_with_due_lines": "which workspaces have work (S39)",
        "workspaces_with_due_effects": "which workspaces have work (S39)",
        "workspaces_with_old_keys": "which workspaces have work (S39)",
        "job_workspaces_unplanned": "which workspaces have work (S39)",
        "process_heartbeat": "processes", "processes_purge": "processes", "process_delete": "processes",
        "processes_list": "processes",
        "job_workspaces_due": "which workspaces have work (S39)",
        "check_contact_workspace": "what belongs to no workspace is found in none",
    ]

    /// Columns besides `id` that are unique among the rows that the statement orders.
    private static let uniqueOrders: [String: Set<String>] = [
        "contact_fields_list": ["name"], "workflow_version_list": ["version"], "team_members_list": ["agent_id"],
        "conversation_channel": ["external_id"],
        "runs_claim_signals": ["turn"],
        "job_windows_last": ["window_to", "job"],
    ]

    @Test("each is understood by the server on the migrated schema")
    func prepare() async throws {
        let statements = try ProjectRoot.statements.get().all
        #expect(statements.count > 150)
        try await withTestStore { store, _ in
            for statement in statements {
                do {
                    try await store.database.transaction {
                        _ = try $0.runScript(
                            "PREPARE probe AS \(Self.bare(statement.sql, literals: true)); DEALLOCATE probe")
                    }
                } catch {
                    Issue.record("\(statement.name): \(error)")
                }
            }
        }
    }

    @Test("each is used, and each name in the program is there")
    func names() throws {
        let sources = try Self.sources()
        let known = Set(try ProjectRoot.statements.get().all.map(\.name))
        for name in known.sorted() where !sources.contains("\"\(name)\"") {
            // Names of lists are put together of the column and the direction.
            #expect(name.hasPrefix("conversation_list_"), "\(name) is used nowhere")
        }
        let program = try Self.program()
        for match in program.matches(of: /\b(?:send|query|read|one|all|living)\(\s*"([a-z_0-9]+)"/) {
            #expect(known.contains(String(match.1)), "there is no statement \(match.1)")
        }
        #expect(program.matches(of: /\b(?:send|query|read|one|all|living)\(\s*"([a-z_0-9]+)"/).count > 80)
    }

    @Test("S39: each table is restricted to the workspace by itself, not through its neighbour")
    func workspaceOnEveryTable() async throws {
        let tables = try await Self.tables()
        for statement in try ProjectRoot.statements.get().all where Self.acrossWorkspaces[statement.name] == nil {
            let sql = Self.bare(statement.sql)
            var wanted: [String: Int] = [:]
            for reference in Self.references(in: sql, tables: tables) {
                let column = reference.table == "workspaces" ? "id" : "workspace_id"
                wanted[(reference.alias.map { "\($0)." } ?? "") + column, default: 0] += 1
            }
            for (column, count) in wanted {
                let pattern = "(?<![\\w.])" + NSRegularExpression.escapedPattern(for: column) + " = \\$1(?!\\d)"
                let found = Self.count(pattern, in: sql)
                #expect(found >= count, "\(statement.name): \(count) × `\(column) = $1` wanted, \(found) found")
            }
            if let insert = sql.firstMatch(
                of: /INSERT INTO (\w+)\s*\((\w+)[^)]*\)\s*(?:VALUES \((\S+?),|SELECT (\S+?),)/)
            {
                let value = insert.3 ?? insert.4 ?? ""
                #expect(
                    insert.2 == "workspace_id" && ["$1", "w.id", "l.workspace_id"].contains(value),
                    "\(statement.name): inserts into \(insert.1) begin with the workspace")
            } else {
                #expect(!sql.contains("INSERT INTO"), "\(statement.name): an INSERT of an unknown form")
            }
        }
    }

    @Test("S40: rows of arrays are inserted from the workspace's row")
    func anchored() throws {
        for statement in try ProjectRoot.statements.get().all {
            let sql = Self.bare(statement.sql)
            guard sql.contains("INSERT INTO"), sql.contains("unnest(") else { continue }
            #expect(
                sql.contains(/FROM workspaces w, unnest\(/) && sql.contains("WHERE w.id = $1"), "\(statement.name)")
            #expect(sql.contains("ORDER BY"), "\(statement.name): rows are sorted before they are written (S43)")
        }
    }

    @Test("S41, S42: nothing that a shard would do otherwise")
    func forbidden() throws {
        let volatile =
            #"\b(clock_timestamp|random|gen_random_uuid|nextval|pg_notify|set_config|timeofday|pg_advisory\w*)\s*\("#
        for statement in try ProjectRoot.statements.get().all {
            let sql = Self.bare(statement.sql)
            #expect(Self.count(volatile, in: sql) == 0, "\(statement.name): a volatile function")
            #expect(Self.count(#"\b(MERGE|NOTIFY|LOCK TABLE|TRUNCATE)\b"#, in: sql) == 0, "\(statement.name)")
            #expect(Self.count(#"VALUES\s*\([^;]*\bSELECT\b"#, in: sql) == 0, "\(statement.name): a subquery in VALUES")
            if let update = sql.firstMatch(of: /DO UPDATE SET (.*?)(?:RETURNING|$)/) {
                #expect(
                    Self.count(#"^(\w+ = (excluded\.\w+|greatest\([\w., ]+\)),? ?)+$"#, in: String(update.1)) == 1,
                    "\(statement.name): ON CONFLICT sets \(update.1)")
            }
            if Self.count(#"\bFOR (NO KEY UPDATE|UPDATE|SHARE|KEY SHARE)\b"#, in: sql) > 0 {
                #expect(Self.acrossWorkspaces[statement.name] == nil, "\(statement.name) locks over workspaces")
                #expect(sql.contains("workspace_id = $1") || sql.contains("w.id = $1"), "\(statement.name)")
            }
        }
        for migration in try ProjectRoot.migrations.get() {
            // The audit log is the one thing that is written behind a statement's back (S42).
            if migration.name == "keys_audit" { continue }
            // A later column that belongs into the log renews its table's trigger, and makes no other.
            let sql = Self.bare(migration.sql).replacing(#/CREATE TRIGGER audit\b/#, with: "")
            let banned =
                #"(CREATE TRIGGER|CREATE RULE|\bMERGE\b|\bNOTIFY\b|ON DELETE SET NULL|GENERATED \w+ AS IDENTITY|\bserial\b|gen_random_uuid)"#
            #expect(Self.count(banned, in: sql) == 0, "\(migration.name)")
        }
    }

    @Test("every list ends its order in a unique key, so that pages neither skip nor repeat")
    func orders() throws {
        for statement in try ProjectRoot.statements.get().all {
            let sql = Self.bare(statement.sql)
            let limits = Self.count(#"\bLIMIT\b"#, in: sql)
            let isList = statement.name.contains("_list") || statement.name.hasPrefix("workspaces_")
            guard limits > 0 || isList else { continue }
            let orders = sql.matches(of: /ORDER BY ([^()]*?)(?: LIMIT\b|\)|$)/).map { String($0.1) }
            #expect(orders.count >= max(limits, 1), "\(statement.name): a LIMIT without ORDER BY")
            for order in orders {
                let last = order.split(separator: ",").last.map(String.init) ?? ""
                let column =
                    last.trimmingCharacters(in: .whitespaces).split(separator: " ").first.map(String.init) ?? ""
                let name = column.split(separator: ".").last.map(String.init) ?? ""
                // What is gathered into one row's array has an order of its own.
                guard !order.contains("i.channel_id") || name != "external_id" else { continue }
                #expect(
                    name == "id" || Self.uniqueOrders[statement.name]?.contains(name) == true,
                    "\(statement.name): ORDER BY \(order)")
            }
        }
    }

    // MARK: - Reading SQL

    private struct Reference {
        let table: String
        let alias: String?
    }

    /// Tables read, changed or deleted from, with the names they go by; what an INSERT writes to is looked at by itself.
    private static func references(in sql: String, tables: Set<String>) -> [Reference] {
        let keywords: Set<String> = [
            "where", "set", "on", "join", "left", "right", "cross", "inner", "order", "limit", "for", "using", "group",
            "returning", "union", "for",
        ]
        // A column of an INSERT may be called like a table.
        let read = sql.replacing(/INSERT INTO \w+ ?\([^)]*\)/, with: "")
        return read.matches(of: /(?:\b(?:FROM|JOIN|UPDATE|USING)|,)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?/).compactMap {
            match in
            let table = String(match.1)
            guard tables.contains(table) else { return nil }
            let alias = match.2.map(String.init).flatMap { keywords.contains($0.lowercased()) ? nil : $0 }
            // A column list names no table.
            return Reference(table: table, alias: alias)
        }
    }

    /// Without comments and literals, with single spaces.
    private static func bare(_ sql: String, literals: Bool = false) -> String {
        var text = sql.replacing(/--[^\n]*/, with: " ")
        if !literals { text.replace(/'(?:[^']|'')*'/, with: "''") }
        return text.replacing(/\s+/, with: " ").trimmingCharacters(in: CharacterSet(charactersIn: "; \n"))
    }

    private static func count(_ pattern: String, in text: String) -> Int {
        guard let expression = try? NSRegularExpression(pattern: pattern) else {
            Issue.record("bad pattern \(pattern)")
            return 0
        }
        return expression.numberOfMatches(in: text, range: NSRange(text.startIndex..., in: text))
    }

    private static func tables() async throws -> Set<String> {
        try await withTestStore { store, _ in
            Set(
                try await store.rows(
                    "SELECT relname::text AS name FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
                )
                .map { try $0.decode("name", as: String.self) })
        }
    }

    private static func program() throws -> String {
        let root = ProjectRoot.url.appending(path: "Sources")
        let files =
            FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
        return try files.filter { $0.pathExtension == "swift" && !$0.path.contains("/TestKit/") }
            .map { try String(contentsOf: $0, encoding: .utf8) }.joined(separator: "\n")
    }

    /// Every string literal of the program that looks like a statement's name, with its quotes, or up to its interpolation.
    private static func sources() throws -> Set<String> {
        Set(try program().matches(of: /"[a-z_0-9]+(?:"|\\\()/).map { String($0.0) })
    }
}
