import Core
import Foundation
import Postgres
import Store
import TestKit
import Testing

@testable import switchboard

/// A generated history is worth as much as it is like a lived one.
@Suite struct GenerateTests {
    private static func plan(_ conversations: Int, seed: UInt64 = 7) -> HistoryPlan {
        HistoryPlan(
            conversations: conversations, days: 21, workspaces: 3, seed: seed,
            end: Date(timeIntervalSince1970: 1_793_000_000))
    }

    @Test(.timeLimit(.minutes(15))) func aHistoryKeepsEveryInvariant() async throws {
        try await withTestStore { store, _ in
            let plan = Self.plan(1500)
            var told = 0
            let outcomes = try await writer(store, plan).write { told = $0 }
            #expect(told == 1500 && outcomes.map(\.conversations).reduce(0, +) == 1500)
            #expect(outcomes[0].conversations > 4 * outcomes[1].conversations && outcomes[2].conversations > 0)
            for outcome in outcomes {
                #expect(try await store.violations(in: outcome.workspace) == [])
                #expect(try await Self.highestAboveLimit(store, outcome.workspace) <= 0)
                #expect(try await Self.overtakings(store, outcome.workspace) == 0)
            }
            let one = outcomes[0].workspace
            for (what, sql) in Self.varieties {
                let count: Int = try await store.value(
                    "SELECT count(*) AS count FROM \(sql)", [one])
                #expect(count > 0, "\(what)")
            }
            // Written into the months they belong to: the default partition stays empty.
            #expect(try await store.value("SELECT count(*) AS count FROM messages_default") == 0)
        }
    }

    /// What the history must contain to be worth measuring on.
    private static let varieties = [
        (
            "came back",
            "(SELECT contact_id FROM conversations WHERE workspace_id = $1 GROUP BY 1 HAVING count(*) > 1) x"
        ),
        ("waited", "events WHERE workspace_id = $1 AND type = 'conversation.waiting'"),
        ("transferred", "assignments WHERE workspace_id = $1 AND kind = 'transfer'"),
        ("opened by an agent", "conversations WHERE workspace_id = $1 AND source = 'agent'"),
        ("closed while it waited", "runs WHERE workspace_id = $1 AND status = 'conversation_closed'"),
        ("several channels", "(SELECT FROM conversations WHERE workspace_id = $1 GROUP BY channel_id OFFSET 2) x"),
        ("agents who left", "agents WHERE workspace_id = $1 AND deleted_at IS NOT NULL"),
        ("still open", "conversations WHERE workspace_id = $1 AND status = 'open'"),
    ]

    /// Replays the assignments: by how many the count of any agent ever rose above the limit.
    private static func highestAboveLimit(_ store: Store, _ workspace: UUID) async throws -> Int {
        try await store.value(
            """
            SELECT coalesce(max(s.held - a.max_open), 0)::bigint AS above FROM (
                SELECT x.agent_id, sum(x.delta) OVER (PARTITION BY x.agent_id ORDER BY x.at, x.delta) AS held
                FROM (
                    SELECT agent_id, occurred_at AS at, 1 AS delta FROM assignments
                    WHERE workspace_id = $1 AND kind IN ('assignment', 'transfer')
                    UNION ALL SELECT previous_agent_id, occurred_at, -1 FROM assignments
                    WHERE workspace_id = $1 AND previous_agent_id IS NOT NULL
                    UNION ALL SELECT assignee_id, closed_at, -1 FROM conversations
                    WHERE workspace_id = $1 AND assignee_id IS NOT NULL AND status = 'closed') x) s
                JOIN agents a ON a.workspace_id = $1 AND a.id = s.agent_id
            """, [workspace])
    }

    /// Pairs of one line of which the one who queued later was served earlier.
    private static func overtakings(_ store: Store, _ workspace: UUID) async throws -> Int {
        try await store.value(
            """
            SELECT count(*) AS count FROM (
                SELECT queued_at, lag(queued_at) OVER (
                    PARTITION BY team_id ORDER BY occurred_at, position, id) AS before
                FROM assignments WHERE workspace_id = $1 AND via = 'line') x
            WHERE x.before > x.queued_at
            """, [workspace])
    }

    @Test(.timeLimit(.minutes(15))) func theSameSeedTellsTheSameStory() async throws {
        var stories: [[String]] = []
        for seed: UInt64 in [7, 7, 8] {
            try await withTestStore { store, _ in
                let outcomes = try await writer(store, Self.plan(200, seed: seed)).write { _ in }
                let rows = try await store.rows(
                    """
                    SELECT e.type || ' ' || e.occurred_at::text AS told FROM events e
                    WHERE e.workspace_id = $1 AND e.conversation_id IS NOT NULL ORDER BY e.occurred_at, e.sequence, e.id
                    """, [outcomes[0].workspace])
                stories.append(try rows.decode("told", as: String.self))
            }
        }
        #expect(stories[0] == stories[1] && stories[0] != stories[2] && stories[0].count > 1000)
    }

    @Test func daysAndWeeksHaveTheirRhythm() throws {
        let zone = try #require(LocalZone(identifier: "Asia/Kolkata"))
        // Monday 2 November 2026, 00:00 in India.
        let monday = try #require(Timestamp.parse("2026-11-01T18:30:00Z"))
        let rhythm = Rhythm(zone: zone, from: monday, hours: 14 * 24)
        var hours = Array(repeating: 0, count: 24)
        var days = Array(repeating: 0, count: 7)
        var last = 0
        for number in 0..<10_000 {
            let moment = rhythm.moment(at: Double(number) / 10_000)
            #expect(moment >= last)
            last = moment
            let local = (moment - Timestamp.microseconds(of: monday)) / 3_600_000_000
            hours[local % 24] += 1
            days[local / 24 % 7] += 1
        }
        #expect(hours[10] > 10 * hours[3] && days[0] > 2 * days[6])
    }

    private func writer(_ store: Store, _ plan: HistoryPlan) throws -> HistoryWriter {
        HistoryWriter(
            store: store,
            migrator: Migrator(migrations: [], database: store.database, logger: TestDatabase.silentLogger), plan: plan)
    }
}
