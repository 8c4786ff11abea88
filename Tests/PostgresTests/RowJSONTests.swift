import Foundation
import Postgres
import Testing

@Suite("Rows as JSON")
struct RowJSONTests {
    @Test("a member for each column, of its type")
    func types() async throws {
        let row = """
            SELECT 1::bigint AS a, -2::smallint AS b, true AS c, false AS d, NULL::text AS e,
                '0190C0DE-0000-7000-8000-00000000ABCD'::uuid AS f, E'q"\\\\b\\n\\u0001é' AS g, 1.50::numeric AS "h ""i"
            """
        #expect(
            try await json(row)
                == #"{"a":1,"b":-2,"c":true,"d":false,"e":null,"f":"0190c0de-0000-7000-8000-00000000abcd","g":"q\"\\b\n\u0001é","h \"i":"1.50"}"#
        )
        #expect(try await json("SELECT") == "{}")
    }

    @Test(
        "times as RFC 3339 has them, within its years",
        arguments: [
            ("2026-11-22 21:01:19.1234+00", "2026-11-22T21:01:19.123400Z"),
            ("2026-11-22 21:01:19+00", "2026-11-22T21:01:19.000000Z"),
            ("2026-11-22 23:01:19.000001+02", "2026-11-22T21:01:19.000001Z"),
            ("0001-01-01 00:00:00+00", "0001-01-01T00:00:00.000000Z"),
            ("0044-03-15 12:00:00+00 BC", "0001-01-01T00:00:00.000000Z"),
            ("10000-01-01 00:00:00+00", "9999-12-31T23:59:59.999999Z"),
            ("infinity", "9999-12-31T23:59:59.999999Z"), ("-infinity", "0001-01-01T00:00:00.000000Z"),
        ])
    func times(given: String, written: String) async throws {
        #expect(try await json("SELECT '\(given)'::timestamptz AS t") == "{\"t\":\"\(written)\"}")
    }

    @Test(
        "documents as they are, without blanks, numbers as doubles",
        arguments: [
            ("{}", "{}"), ("null", "null"),
            (#"{"a b": [1, 2.50, -3e2, {"c": "x, y: \"z\\\\ "}]}"#, #"{"a b":[1,2.5,-300,{"c":"x, y: \"z\\\\ "}]}"#),
            ("[9223372036854775807, 9223372036854775808]", "[9223372036854775807,9.223372036854776e+18]"),
            ("[0.1, 1.0]", "[0.1,1.0]"),
        ])
    func documents(given: String, written: String) async throws {
        #expect(try await json("SELECT '\(given)'::jsonb AS j") == "{\"j\":\(written)}")
    }

    private func json(_ text: String) async throws -> String {
        var bytes: [UInt8] = []
        try await withDatabase { database in try await database.read(sql(text))[0].appendJSON(to: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
