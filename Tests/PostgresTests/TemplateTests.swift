import Foundation
import Postgres
import Testing

@Suite("Statements with parts")
struct TemplateTests {
    private static let text = """
        -- name: things
        SELECT n FROM generate_series(1, $1::bigint) AS s (n)
        WHERE true
            AND n > $2 -- if behind
            AND n % 2 = 0 -- if even
        -- if to
            AND n < $3::bigint
            AND n <> 4 -- if even
        -- end
        ORDER BY n
        LIMIT $4::bigint;
        """

    @Test("only the wanted parts stand in the text, and parameters are numbered anew")
    func parts() async throws {
        let library = try Self.library(Self.text)
        #expect(library.template("things")?.words == ["behind", "even", "to"])
        #expect(library["things"] == nil)
        #expect(library.all.map(\.name) == ["things"])
        let rendering = try library.rendering("things", ["even", "to"])
        #expect(rendering.statement.name == "things(even,to)")
        #expect(rendering.parameters == [1, 3, 4])
        #expect(rendering.statement.sql.contains("n < $2::bigint"))
        #expect(!rendering.statement.sql.contains("--"))
        #expect(throws: PostgresError.self) { try library.rendering("things", ["odd"]) }
        #expect(throws: PostgresError.self) { try library.rendering("other", []) }
        try await withDatabase { database in
            let binds: [any PostgresBindable] = [10, 3, 9, 2]
            for plan in [Statement.Plan.auto, .custom] {
                for (parts, expected) in [([], [1, 2]), (["behind"], [4, 5]), (["even", "to"], [2, 6])] {
                    let rendering = try library.rendering("things", parts, plan: plan)
                    let rows = try await database.read(rendering.statement, rendering.parameters.map { binds[$0 - 1] })
                    #expect(try rows.decode("n", as: Int.self) == expected)
                }
            }
        }
    }

    @Test("a fragment stands for its lines, parts and all, in the statements below it")
    func fragments() throws {
        let library = try Self.library(
            """
            -- fragment: columns
                n, n + 1 AS next

            -- About filters.
            -- fragment: filters
                AND n > $2 -- if behind

            -- name: one
            SELECT
                -- use columns
            FROM generate_series(1, $1::bigint) AS s (n)
            WHERE true
                -- use filters
            ORDER BY n;

            -- name: two
            SELECT
                -- use columns
            FROM generate_series(1, 2) AS s (n);
            """)
        #expect(library.all.map(\.name) == ["one", "two"])
        #expect(library["two"]?.sql == "SELECT\n    n, n + 1 AS next\nFROM generate_series(1, 2) AS s (n)")
        #expect(library.template("one")?.words == ["behind"])
        #expect(try library.rendering("one", ["behind"]).statement.sql.contains("AND n > $2"))
    }

    @Test(
        "a fragment that is not there, not above, used by nobody or there twice is named with its line",
        arguments: [
            ("-- name: a\nSELECT\n-- use x\n", "a.sql:3: there is no fragment “x” above"),
            ("-- name: a\nSELECT\n-- use x\n-- fragment: x\n1\n", "a.sql:3: there is no fragment “x” above"),
            ("-- fragment: x\n1\n-- name: a\nSELECT 1\n", "a.sql:1: nothing uses “x”"),
            (
                "-- fragment: x\n1\n-- fragment: x\n2\n-- name: a\nSELECT\n-- use x\n",
                "a.sql:3: “x” stands at a.sql:1 already"
            ),
            ("-- fragment: x\n-- name: a\nSELECT\n-- use x", "a.sql:1: “x” has no SQL"),
        ])
    func malformedFragments(_ text: String, problem: String) throws {
        let error = try #require(throws: StatementLibraryError.self) { try Self.library(text) }
        #expect(error.problems.contains(problem))
    }

    @Test("a part that does not end, or is no word, is refused")
    func malformed() throws {
        for text in [
            "SELECT 1\n-- if a\n", "SELECT 1 -- if a\n-- end\n", "SELECT 1 -- if a b\n", "-- if a\n-- if b\nSELECT 1\n",
        ] {
            #expect(throws: StatementLibraryError.self) { try Self.library("-- name: things\n\(text)") }
        }
    }

    @Test("a connection keeps so many statements prepared and no more; those in use stay")
    func bounded() async throws {
        try await withDatabase({
            $0.readConnections = 1
            $0.transactionConnections = 1
        }) { database in
            let count = sql("SELECT count(*) AS n FROM pg_prepared_statements", "count")
            let common = sql("SELECT 0 AS n", "common")
            for number in 1...500 {
                #expect(try await database.int("SELECT \(number)") == number)
                // Some fail: what stands behind them is skipped, a DEALLOCATE too.
                if number % 7 == 0 { _ = try? await database.read(sql("SELECT 1 / (\(number) - \(number))")) }
                _ = try await database.read(common)
            }
            let prepared = try await database.read(count)[0].decode("n", as: Int.self)
            #expect((300...400).contains(prepared))
            let kept = sql("SELECT count(*) AS n FROM pg_prepared_statements WHERE statement = 'SELECT 0 AS n'", "kept")
            #expect(try await database.read(kept)[0].decode("n", as: Int.self) == 1)
        }
    }

    @Test("on connections of reads a statement is planned once, unless it is to be planned for its values")
    func plans() async throws {
        try await withDatabase { database in
            let mode = "SELECT current_setting('plan_cache_mode') AS mode"
            async let generic = database.read(sql(mode, plan: .auto))
            async let custom = database.read(sql(mode, plan: .custom))
            async let again = database.read(sql(mode + " WHERE true", plan: .auto))
            let modes = try await [generic, custom, again].flatMap { try $0.decode("mode", as: String.self) }
            #expect(modes == ["force_generic_plan", "force_custom_plan", "force_generic_plan"])
        }
    }

    private static func library(_ text: String) throws -> StatementLibrary {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sql-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data(text.utf8).write(to: directory.appendingPathComponent("a.sql"))
        return try StatementLibrary(directory: directory)
    }
}
