import Foundation
import Postgres
import TestKit
import Testing

/// Values go to the server and come back the same; what cannot, says which statement and column.
@Suite struct ValueTests {
    static let nasty = [
        "", " ", "NULL", "null", "a,b", "{}", "{a}", "\"", "\\", "\\\"", "\\N", "line\nfeed", "tab\t",
        "'; DROP TABLE x; --",
        "ünïcødé 🎈", "\u{1}\u{7f}", "$1", "a\u{301}", String(repeating: "long ", count: 5000),
    ]

    @Test func everyTypeComesBackAsItWas() async throws {
        try await withDatabase { database in
            func same<Value: PostgresBindable & PostgresDecodable & Equatable>(_ values: [Value], _ type: String)
                async throws
            {
                for plan in [Statement.Plan.auto, .custom] {
                    let statement = sql(
                        "SELECT $1::\(type) AS value, $2::\(type)[] AS list, $3::\(type)[] AS gaps", plan: plan)
                    for value in values {
                        let gaps: [Value?] = [nil, value, nil]
                        let row = try await database.read(statement, [value, values, gaps])[0]
                        #expect(try row.decode("value", as: Value.self) == value)
                        #expect(try row.decode("value", as: Value?.self) == value)
                        #expect(try row.decode("list", as: [Value].self) == values)
                        #expect(try row.decode("gaps", as: [Value?].self) == gaps)
                    }
                }
            }
            try await same(ValueTests.nasty, "text")
            try await same([0, 1, -1, Int.max, Int.min], "bigint")
            try await same([Int64.min, 7], "bigint")
            try await same([Int32.max, Int32.min, 0], "int")
            try await same([true, false], "boolean")
            try await same(
                [
                    0, -0.0, 1.5, .pi, 1e-300, Double.leastNonzeroMagnitude, .greatestFiniteMagnitude, .infinity,
                    -.infinity,
                ], "float8")
            try await same(
                [UUID(), UUID(uuidString: "00000000-0000-0000-0000-000000000000"), UUID()].compactMap { $0 }, "uuid")
            try await same([[], [0], Array(0...255), [UInt8](repeating: 92, count: 9)], "bytea")
            let nan = try await database.read(sql("SELECT $1::float8"), [Double.nan])[0].decode(at: 0, as: Double.self)
            #expect(nan.isNaN)
            let empty = try await database.read(sql("SELECT $1::text[]"), [[String]()])[0].decode(
                at: 0, as: [String].self)
            #expect(empty.isEmpty)
            let shifted = try await database.read(sql("SELECT '[0:1]={1,2}'::int[]"))[0].decode(at: 0, as: [Int].self)
            #expect(shifted == [1, 2])
        }
    }

    @Test func instantsKeepTheirMicroseconds() async throws {
        try await withDatabase { database in
            var generator = SystemRandomNumberGenerator()
            var micros = (0..<200).map { _ in
                Int64.random(in: -4_200_000_000_000_000...4_200_000_000_000_000, using: &generator)
            }
            micros += [0, -1, 1, 999_999, -999_999, 86_399_999_999, 951_782_400_000_000]
            let dates = micros.map { Date(timeIntervalSinceReferenceDate: Double($0) / 1_000_000) }
            let rows = try await database.read(
                sql(
                    """
                    SELECT d, (extract(epoch FROM d - '2001-01-01 00:00:00+00') * 1000000)::bigint AS micros
                    FROM unnest($1::timestamptz[]) WITH ORDINALITY u (d, n) ORDER BY n
                    """), [dates])
            #expect(try rows.decode("micros", as: Int64.self) == micros)
            #expect(try rows.decode("d", as: Date.self) == dates)
            let day = try await database.read(
                sql("SELECT '2024-02-29'::date AS d, '0044-03-15 BC'::timestamptz AS bc"))[0]
            #expect(try day.decode("d", as: Date.self) == Date(timeIntervalSince1970: 1_709_164_800))
            let caesar = try day.decode("bc", as: Date.self)
            #expect(
                try await database.int("SELECT ($1::timestamptz = '0044-03-15 BC'::timestamptz)::int", [caesar]) == 1)
            let error = try await failure {
                _ = try await database.read(sql("SELECT 'infinity'::timestamptz AS t"))[0].decode("t", as: Date.self)
            }
            #expect(error.kind == .decoding)
        }
    }

    @Test func whatCannotBeReadNamesStatementAndColumnButNotTheValue() async throws {
        try await withDatabase { database in
            let rows = try await database.read(
                sql("SELECT 'secret' AS word, null::int AS nothing, '{1,null}'::int[] AS list", "odd"))
            for (column, read) in [
                ("word", { _ = try rows[0].decode("word", as: Int.self) }),
                ("nothing", { _ = try rows[0].decode("nothing", as: Int.self) }),
                ("list", { _ = try rows[0].decode("list", as: [Int].self) }),
                ("absent", { _ = try rows[0].decode("absent", as: Int.self) }),
            ] as [(String, () throws -> Void)] {
                let error = try await failure { try read() }
                #expect(error.kind == .decoding)
                #expect(error.statement == "odd")
                #expect(error.column == column)
                #expect(!error.description.contains("secret"))
            }
            #expect(try rows[0].decode("nothing", as: Int?.self) == nil)
        }
    }

    @Test func whatCannotBeSentFailsAlone() async throws {
        try await withDatabase { database in
            let error = try await failure { _ = try await database.read(sql("SELECT $1::text", "nul"), ["a\0b"]) }
            #expect(error.kind == .encoding)
            let inArray = try await failure {
                _ = try await database.read(sql("SELECT $1::text[]", "nul"), [["a", "b\0"]])
            }
            #expect(inArray.kind == .encoding)
            #expect(try await database.int("SELECT 1") == 1)
        }
    }

    /// A statement is prepared for the types of its first call; bytes of another one must not be read as those.
    @Test func oneTextServesParametersOfDifferentTypes() async throws {
        try await withDatabase({ $0.readConnections = 1 }) { database in
            let first = sql("SELECT ($1::text[])[1] AS value")
            let id = UUID()
            for _ in 0..<2 {
                #expect(try await database.read(first, [["a"]])[0].decode("value", as: String.self) == "a")
                let text = try await database.read(first, [[id]])[0].decode("value", as: String.self)
                #expect(text == id.uuidString.lowercased())
            }
        }
    }

    @Test func errorsAreValuesAndKeepRowDataToThemselves() async throws {
        try await withDatabase { database in
            try await database.script("CREATE TABLE person (email text CONSTRAINT person_email_key UNIQUE)")
            let insert = sql("INSERT INTO person VALUES ($1)", "insert_person")
            try await database.transaction { tx in _ = try tx.query(insert, ["eve@example.org"]) }
            let error = try await failure {
                try await database.transaction { tx in _ = try tx.query(insert, ["eve@example.org"]) }
            }
            #expect(error.sqlState == .uniqueViolation)
            #expect(error.violates("person_email_key"))
            #expect(error.statement == "insert_person")
            #expect(!"\(error)".contains("eve"))
            #expect(error.debugDescription.contains("eve"))
            #expect(PostgresError.withoutShardSuffix("person_email_key_102008") == "person_email_key")
            #expect(PostgresError.withoutShardSuffix("plain") == "plain")
            #expect(PostgresError.withoutShardSuffix("_1") == "_1")
        }
    }

    @Test func aStatementLibraryReportsAllItsMistakes() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sql-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data(
            "-- About agents.\n\n-- name: one\n-- plan: custom\nSELECT 1;\n\n-- name: two\n-- why\nSELECT 2\n".utf8
        )
        .write(to: directory.appendingPathComponent("a.sql"))
        let library = try StatementLibrary(directory: directory)
        #expect(library.all.map(\.name) == ["one", "two"])
        #expect(library["one"]?.plan == .custom)
        #expect(library["one"]?.sql == "SELECT 1")
        #expect(library["two"]?.sql == "-- why\nSELECT 2")
        #expect(throws: PostgresError.self) { try library.statement("three") }

        try Data("SELECT 0;\n-- name: two\nSELECT 3\n-- name: Bad Name\n-- name: empty\n".utf8)
            .write(to: directory.appendingPathComponent("b.sql"))
        let error = #expect(throws: StatementLibraryError.self) { try StatementLibrary(directory: directory) }
        let text = error?.description ?? ""
        for expected in [
            "b.sql:1", "b.sql:2: “two” stands at a.sql:7 already", "b.sql:4", "b.sql:5: “empty” has no SQL",
        ] {
            #expect(text.contains(expected))
        }
    }
}
