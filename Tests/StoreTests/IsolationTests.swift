import Foundation
import Postgres
import Store
import TestKit
import Testing

/// Row-level security behind every statement: on behalf of A, with values of B, nothing is seen and nothing changes.
@Suite("Isolation of workspaces in the database")
struct IsolationTests {
    /// What became of a statement.
    private enum Outcome: String, CaseIterable {
        case nothing = "no row seen, none changed"
        case noRight = "refused: the role lacks the right"
        case policy = "refused: the row belongs to another workspace"
        case emptyAggregate = "counts nothing"
        case own = "A's own workspace only"
        case lookUp = "by public id, before a workspace is known (S36)"
    }

    private static let lookUps: Set<String> = [
        "api_key_authenticate", "channel_authenticate", "operator_key_authenticate",
    ]

    @Test("every statement, on behalf of A with values of B and on behalf of nobody", .timeLimit(.minutes(5)))
    func statements() async throws {
        let library = try ProjectRoot.statements.get()
        let names = library.all.map(\.name)
        try await withTestDatabase(template: try PlanTests.template(sizes: "(1, 1000, 30, 4), (2, 1000, 30, 4)")) {
            url in
            let owner = Database.admin(DatabaseConfiguration(url: url), logger: TestDatabase.silentLogger)
            var configuration = DatabaseConfiguration(url: url)
            configuration.role = "switchboard_api"
            let api = Database.admin(configuration, logger: TestDatabase.silentLogger)
            let before = try await owner.session(Self.checksum)
            let (known, calls, reached) = try await owner.session { session in
                let workspaces = try PlanProbe.workspaces(session)
                let b = try PlanProbe(session, workspace: workspaces[1])
                let own = try PlanProbe.texts(
                    session,
                    "SELECT unnest(ARRAY[id::text, name, time_zone]) AS own FROM workspaces WHERE id = \(workspaces[0])"
                )
                var calls: [(name: String, statement: Statement, call: String)] = []
                var reached = 0
                for call in try names.flatMap({ try Self.calls(of: $0, library) }) {
                    let list = b.list(call.arguments)
                    calls.append((call.name, call.statement, list))
                    // The owner meets rows with the same values, so that seeing none below means something.
                    if try Self.isMet(session, call.statement, list) { reached += 1 }
                }
                return ((a: workspaces[0], own: Set(own)), calls, reached)
            }
            #expect(reached > 200, "only \(reached) of \(calls.count) calls meet anything of B at all")
            var outcomes: [String: Outcome] = [:]
            for context in ["SET LOCAL switchboard.workspace = \(known.a)", ""] {
                let found = try await api.session { session in
                    try calls.map {
                        ($0.name, try Self.run(session, $0.statement, $0.call, context, known.own))
                    }
                }
                for (name, outcome) in found {
                    #expect(outcome != nil, "\(name) under '\(context)' sees or changes what is B's")
                    // On behalf of nobody a statement may see less, never more.
                    if outcomes[name] == nil { outcomes[name] = outcome }
                }
            }
            #expect(try await owner.session(Self.checksum) == before)
            #expect(Set(outcomes.keys) == Set(names))
            let lines = Outcome.allCases.map { outcome in
                let names = outcomes.filter { $0.value == outcome }.keys.sorted()
                return "| \(outcome.rawValue) | \(names.count) | \(names.map { "`\($0)`" }.joined(separator: " ")) |"
            }
            let table = (["| outcome | | statements |", "|---|---|---|"] + lines).joined(separator: "\n")
            print(table)
            #expect(
                try GeneratedSection("docs/isolation.md", "statements").holds(table),
                "docs/isolation.md is out of date; SWITCHBOARD_WRITE_DOCS=1 writes it anew")
        }
    }

    /// Those that plans are explained with; of lists with all their filters some, and every text of a template.
    private static func calls(of name: String, _ library: StatementLibrary) throws -> [PlanCall] {
        let given = try PlanArguments.text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            .filter { $0[0] == name }.map { try PlanCall(name, Array($0.dropFirst()), library) }
        let filtered = try PlanFilters.all.filter { $0.statements.contains(name) }.flatMap { try $0.calls(library) }
        var texts: Set<String> = []
        let some = filtered.enumerated().filter { index, call in
            texts.insert(call.statement.name).inserted || index % 20 == 0
        }
        // The checks of `switchboard check` are left out there.
        let calls = given + some.map(\.element)
        let check = name == "check_contact_workspace" ? [] : ["W"]
        return calls.isEmpty ? [try PlanCall(name, check, library)] : calls
    }

    private static func isMet(_ session: PostgresSession, _ statement: Statement, _ call: String) throws -> Bool {
        defer { _ = try? session.execute("ROLLBACK; DEALLOCATE ALL") }
        do {
            let rows = try execute(session, statement, call, "")
            return !rows.isEmpty || rows.affected > 0
        } catch let error as PostgresError where error.kind == .server {
            // A constraint: there was a row to write.
            return true
        }
    }

    /// - Returns: nil for what must not be.
    private static func run(
        _ session: PostgresSession, _ statement: Statement, _ call: String, _ context: String, _ own: Set<String>
    ) throws -> Outcome? {
        let rows: PostgresRows
        do {
            rows = try execute(session, statement, call, context)
            _ = try session.execute("COMMIT; DEALLOCATE ALL")
        } catch let error as PostgresError where error.sqlState?.rawValue == "42501" {
            _ = try session.execute("ROLLBACK; DEALLOCATE ALL")
            return error.message.contains("row-level security policy") ? .policy : .noRight
        } catch {
            _ = try session.execute("ROLLBACK; DEALLOCATE ALL")
            Issue.record("\(statement.name): \(error)")
            return nil
        }
        if lookUps.contains(statement.name) { return rows.count <= 1 ? .lookUp : nil }
        if rows.isEmpty { return rows.affected == 0 ? .nothing : nil }
        let values = try rows.flatMap { row in try row.columns.indices.compactMap { try row.text(at: $0) } }
        // Counts may come with the time.
        if values.allSatisfy({ $0 == "0" || $0.hasSuffix("+00") }), values.contains("0") || values.isEmpty {
            return .emptyAggregate
        }
        return own.isSuperset(of: values.filter(Self.isTelling)) ? .own : nil
    }

    /// Whether a value could be of B: not a number, a time or a word of the schema.
    private static func isTelling(_ value: String) -> Bool {
        Int(value) == nil && !["off", "t", "f"].contains(value) && !value.hasSuffix("+00")
    }

    private static func execute(
        _ session: PostgresSession, _ statement: Statement, _ call: String, _ context: String
    ) throws -> PostgresRows {
        _ = try session.execute("BEGIN; \(context)")
        _ = try session.execute("PREPARE probe AS \(statement.sql)\n")
        return try #require(try session.execute("EXECUTE probe \(call)"))
    }

    /// Of every row of every table.
    private static func checksum(_ session: PostgresSession) throws -> [String] {
        let tables = try PlanProbe.texts(
            session,
            """
            SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
                AND relnamespace = 'public'::regnamespace ORDER BY relname
            """)
        return try tables.flatMap { table in
            try PlanProbe.texts(
                session,
                """
                SELECT '\(table) ' || count(*) || ' ' || md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), ''))
                FROM \(table) t
                """)
        }
    }
}
