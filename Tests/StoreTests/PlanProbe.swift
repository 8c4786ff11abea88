import Core
import Foundation
import Postgres
import Store

/// One session that explains statements in one workspace, with the words of `PlanArguments`.
struct PlanProbe {
    /// What a call touched, and what it may be measured by.
    struct Plan {
        var pages: Double
        /// Returned; of a statement that writes, those it wrote.
        var rows: Double
        /// Entries of indexes that were written with the rows.
        var indexEntries: Double
    }

    /// Who runs a statement: row-level security keeps indexes from being used with functions that are not leakproof.
    enum Role: String {
        case owner
        /// The API's role, in the probe's workspace.
        case api
    }

    /// Made for the values, or once for all of them.
    enum Mode: String {
        case custom, generic
    }

    /// The seed has nothing of this word in some workspace.
    struct Missing: Error { let word: String }

    private let session: PostgresSession
    private var words: [String: [String]] = [:]

    init(_ session: PostgresSession, workspace: String) throws {
        self.session = session
        words["W"] = [workspace]
        let open =
            "FROM conversations WHERE workspace_id = \(workspace) AND status = 'open' AND NOT waiting ORDER BY opened_at DESC OFFSET 1 LIMIT 20"
        try set("CONV", "SELECT quote_literal(id) \(open)")
        try set("CONTACT", "SELECT quote_literal(contact_id) \(open)")
        for (word, sql) in PlanArguments.words {
            var sql = sql.replacingOccurrences(of: "$W", with: workspace)
            for name in ["CONTACT", "CONV"] {
                sql = sql.replacingOccurrences(of: "$\(name)S", with: array(name, count: 20))
                    .replacingOccurrences(of: "$\(name)", with: words[name]?[0] ?? "")
            }
            try set(word, sql)
        }
    }

    static func workspaces(_ session: PostgresSession) throws -> [String] {
        try texts(session, "SELECT quote_literal(id) FROM workspaces ORDER BY name")
    }

    static func prepare(_ session: PostgresSession, _ statement: Statement) throws {
        _ = try session.execute("PREPARE \(preparedName(statement)) AS \(statement.sql)\n")
    }

    /// The server cuts a name off after 63 bytes.
    private static func preparedName(_ statement: Statement) -> String {
        "p" + String(UInt(bitPattern: statement.hashValue), radix: 36)
    }

    /// The call as SQL, parentheses and all.
    func list(_ call: [String]) -> String {
        let count = call.filter { $0.hasSuffix("*") }.compactMap { words[String($0.dropLast())]?.count }.min() ?? 20
        let arguments = call.map { word in
            if word == "-" { return "NULL" }
            if word.hasSuffix("*") { return array(String(word.dropLast()), count: count) }
            if let value = Self.repeated[word] { return "array_fill(\(value), ARRAY[\(count)])" }
            return words[word]?[0] ?? word
        }
        return arguments.isEmpty ? "" : "(\(arguments.joined(separator: ", ")))"
    }

    /// Of a prepared statement; what it writes is taken back.
    /// - Returns: nil where the role may not run it.
    func explain(_ call: PlanCall, _ mode: Mode, as role: Role) throws -> Plan? {
        _ = try session.execute("BEGIN; SET LOCAL plan_cache_mode = force_\(mode.rawValue)_plan")
        // As on the connections of reads and of transactions.
        let ways = call.isRead ? (mode == .generic ? ["seqscan"] : []) : ["seqscan", "mergejoin"]
        for way in ways { _ = try session.execute("SET LOCAL enable_\(way) = off") }
        defer { _ = try? session.execute("ROLLBACK") }
        if role == .api, let workspace = words["W"]?[0] {
            _ = try session.execute("SET LOCAL ROLE switchboard_api; SET LOCAL switchboard.workspace = \(workspace)")
        }
        var rows: PostgresRows?
        do {
            rows = try session.execute(
                "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE \(Self.preparedName(call.statement)) \(list(call.arguments))"
            )
        } catch {
            guard role == .api, error.sqlState?.rawValue == "42501" else { throw error }
            return nil
        }
        let text: String = try rows?.first?.decode("QUERY PLAN") ?? "[]"
        let node = try JSON.parse(Array(text.utf8)).array?.first?["Plan"] ?? .null
        var plan = Plan(
            pages: Self.number("Shared Hit Blocks", node) + Self.number("Shared Read Blocks", node),
            rows: Self.number("Actual Rows", node), indexEntries: 0)
        if node["Node Type"]?.string == "ModifyTable", let source = node["Plans"]?.array?.first {
            plan.rows = max(plan.rows, Self.number("Actual Rows", source) * Self.number("Actual Loops", source))
            if node["Operation"]?.string != "Delete", let table = node["Relation Name"]?.string {
                let count = try session.execute(
                    "SELECT count(*) AS count FROM pg_index WHERE indrelid = '\(table)'::regclass")
                plan.indexEntries = plan.rows * Double(try count?.first?.decode("count", as: Int.self) ?? 0)
            }
        }
        return plan
    }

    private mutating func set(_ word: String, _ sql: String) throws {
        let values = try Self.texts(session, sql)
        guard !values.isEmpty else { throw Missing(word: word) }
        words[word] = values
    }

    private func array(_ word: String, count: Int) -> String {
        let type = ["EXTERNAL": "text", "NEWTEXT": "text", "HASH": "bytea", "NEWHASH": "bytea"][word] ?? "uuid"
        return "ARRAY[\((words[word] ?? []).prefix(count).joined(separator: ", "))]::\(type)[]"
    }

    static func texts(_ session: PostgresSession, _ sql: String) throws -> [String] {
        guard let rows = try session.execute(sql), let column = rows.first?.columns.first else { return [] }
        return try rows.map { try $0.decode(column, as: String.self) }
    }

    private static func number(_ name: String, _ node: JSON) -> Double {
        switch node[name] {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: 0
        }
    }

    /// Words for the same value over and over.
    private static let repeated = [
        "NULLS": "NULL::text", "NULLIDS": "NULL::uuid", "NULLTIMES": "NULL::timestamptz", "NOWS": "now()",
        "LATERS": "now()+'1d'", "FALSES": "false", "OFFLINES": "'offline'::text", "OPENS": "'open'::text",
        "NORMALS": "'normal'::text",
        "ACTIVES": "'active'::text", "SENTS": "'sent'::text", "RECEIVEDS": "'received'::text",
        "INCOMINGS": "'incoming'::text", "SOURCES": "'contact'::text", "TIMERS": "'timer'::text",
        "ROBINS": "'round_robin'::text", "ASSIGNMENTS": "'assignment'::text", "DIRECTS": "'direct'::text",
        "AGENTKINDS": "'agent'::text", "OBJECTS": "'{}'::text", "TAGS": "'[\"vip\"]'::text", "SIXES": "6::bigint",
        "ONES": "1::integer", "SHORTS": "1::smallint", "ZEROS": "0::bigint", "FLOATS": "5::double precision",
    ]
}
