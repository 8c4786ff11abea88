import Core
import Foundation
import Testing

@testable import switchboard

@Suite struct ReplayTests {
    @Test func rowsGoRoundRobinOverContactsWithIDsOfTheirOwn() {
        let rows = (2...8).map { (row: $0, value: "text \($0)") }
        let plan = ReplayPlan(rows: rows, contacts: 3, prefix: "p")
        #expect(plan.contacts == 3)
        #expect(plan.messages.map(\.contact) == [0, 1, 2, 0, 1, 2, 0])
        #expect(Set(plan.messages.map(\.messageID)).count == 7)
        #expect(ReplayPlan(rows: rows, contacts: nil, prefix: "p").contacts == 7)
        #expect(ReplayPlan(rows: rows, contacts: 100, prefix: "p").contacts == 7)
    }

    @Test func theBodyIsWhatInboundTakes() throws {
        let plan = ReplayPlan(rows: [(row: 2, value: "\"a\"\nb")], contacts: nil, prefix: "p")
        let body = plan.body(plan.messages[0], sentAt: Date(timeIntervalSince1970: 0))
        let event = try #require(try JSON.parse(body.serialized())["events"]?[0])
        #expect(event["text"]?.string == "\"a\"\nb")
        #expect(event["contact"]?["external_id"]?.string == "p-c0")
        #expect(event["sent_at"]?.string.flatMap { Timestamp.parse($0) } == Date(timeIntervalSince1970: 0))
    }

    @Test(arguments: [("max", ReplayRate.maximum), ("2.5", .perSecond(2.5))])
    func rates(_ text: String, _ expected: ReplayRate) {
        #expect(ReplayRate(text) == expected)
    }

    @Test(arguments: ["0", "-1", "fast", "", "inf", "nan"])
    func noRates(_ text: String) {
        #expect(ReplayRate(text) == nil)
    }

    @Test func aRateSpreadsEvenly() {
        #expect(ReplayRate.perSecond(4).delay(of: 6) == .milliseconds(1_500))
        #expect(ReplayRate.maximum.delay(of: 6) == .zero)
    }

    @Test func quantilesInterpolateAsPostgreSQLDoes() {
        let distribution = Distribution([40, 10, 20, 30])
        #expect(distribution.quantile(0.5) == 25)
        #expect(distribution.quantile(0) == 10)
        #expect(distribution.quantile(1) == 40)
        #expect(Distribution([]).quantile(0.5) == nil)
        #expect(Distribution([]).summary == "no data")
        #expect(Distribution([0.0123]).summary == "p50 12.3 ms, p95 12.3 ms, p99 12.3 ms, max 12.3 ms")
    }

    @Test func theTallyTellsAnswersApart() {
        var tally = ReplayTally()
        let (sent, answered) = (Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: 0.5))
        func note(_ result: Result<JSON, ReplayService.Failure>, row: Int) {
            tally.note(result, row: row, sentAt: sent, answeredAt: answered)
        }
        func answer(_ status: String, _ id: String?, opened: Bool) -> JSON {
            [
                "results": [
                    [
                        "status": .string(status), "conversation_id": id.map { .string($0) } ?? .null,
                        "opened": .bool(opened),
                    ]
                ]
            ]
        }
        note(.success(answer("accepted", "a", opened: true)), row: 2)
        note(.success(answer("accepted", "a", opened: false)), row: 3)
        // The first answer was lost: what it opened counts all the same.
        note(.success(answer("duplicate", "b", opened: true)), row: 4)
        note(.success(answer("accepted", nil, opened: false)), row: 5)
        note(.success(["results": [["status": "rejected", "problem": ["errors": [["code": "too-old"]]]]]]), row: 7)
        note(.success(["results": [["status": "rejected", "problem": ["errors": [["code": "too-old"]]]]]]), row: 6)
        note(.failure(ReplayService.Failure(kind: "timed out", isWorthRepeating: true)), row: 8)
        note(.success([:]), row: 9)
        #expect(tally.sent == 8 && tally.accepted == 3 && tally.duplicates == 1 && tally.failed == 4)
        #expect(tally.errors == ["rejected: too-old": 2, "timed out": 1, "an answer without a result": 1])
        #expect(tally.firstRow["rejected: too-old"] == 6)
        #expect(Set(tally.opened.keys) == ["a", "b"])
        #expect(tally.answering.count == 7)
    }

    @Test func theBarShowsItsShare() {
        #expect(ProgressBar.line(done: 1, of: 4, width: 8, "x") == "██░░░░░░ 25 %  x")
        #expect(ProgressBar.line(done: 0, of: 0, width: 2, "") == "██ 100 %  ")
        #expect(ProgressBar.line(done: 9, of: 4, width: 2, "").hasPrefix("██ 100 %"))
    }
}
