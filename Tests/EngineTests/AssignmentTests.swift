import Core
import Engine
import Foundation
import Postgres
import Store
import TestKit
import Testing

@Suite struct AssignmentTests {
    /// 2,000 conversations, limits 100, 100, 100, 50 and 150, four workers: never above a limit, evenly in every prefix,
    /// the rest in order, and room that appears is given to who has waited longest.
    @Test(.timeLimit(.minutes(15)), arguments: ["round_robin", "least_open"])
    func fourWorkersShareOneTeam(strategy: String) async throws {
        try await withTestStore(transactionConnections: 6) { store, url in
            let scenario = try await Scenario(store)
            let limits = [100, 100, 100, 50, 150]
            let (team, agents) = try await scenario.team(limits: limits.map { $0 })
            try await scenario.publishAssign(to: team, strategy: strategy)
            let others = [try await openTestStore(url), try await openTestStore(url), try await openTestStore(url)]
            try await withWorkers([store] + others) {
                let combiner = IngestCombiner(
                    store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<40 {
                        group.addTask {
                            let events = (0..<50).map { scenario.message("c\(index * 50 + $0)") }
                            _ = try await combiner.accept(events, in: scenario.workspace)
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(
                    try await eventually {
                        try await store.value(
                            """
                            SELECT (SELECT count(*) FROM assignments WHERE kind = 'assignment') = 500
                                AND (SELECT count(*) FROM line_entries) = 1500 AS ok
                            """)
                    })
                let log = try await store.rows(
                    """
                    SELECT a.agent_id FROM assignments a JOIN decisions d ON d.workspace_id = a.workspace_id AND d.id = a.decision_id
                    WHERE a.kind = 'assignment' ORDER BY d.occurred_at, d.id, a.position
                    """
                ).map { try $0.decode("agent_id", as: UUID.self) }
                expectEvenPrefixes(log, limits: Dictionary(uniqueKeysWithValues: zip(agents, limits)))
                try await scenario.requireConsistency()

                let waiting = try await store.rows(
                    "SELECT conversation_id FROM line_entries ORDER BY priority, queued_at, id LIMIT 10"
                ).map { try $0.decode("conversation_id", as: UUID.self) }
                let held = try await store.rows(
                    "SELECT id FROM conversations WHERE assignee_id IS NOT NULL ORDER BY id LIMIT 10"
                ).map { try $0.decode("id", as: UUID.self) }
                for id in held {
                    try await store.write {
                        try $0.closeConversation(
                            id, category: nil, summary: nil, by: Scenario.caller, in: scenario.workspace)
                    }
                }
                let before = ContinuousClock.now
                #expect(
                    try await eventually {
                        try await store.value(
                            "SELECT count(*) AS count FROM conversations WHERE id = ANY ($1) AND assignee_id IS NOT NULL",
                            [waiting]) == 10
                    })
                #expect(ContinuousClock.now - before < .seconds(1))
                #expect(try await store.value("SELECT count(*) AS count FROM line_entries") == 1490)
            }
            for other in others { await other.database.close() }
            try await scenario.requireConsistency()
        }
    }

    /// S12: one tenant's 50,000 waiting runs do not keep another's single message waiting.
    @Test(.timeLimit(.minutes(15)))
    func oneTenantsBacklogDoesNotDelayAnother() async throws {
        try await withTestStore { store, _ in
            let crowded = try await Scenario(store)
            let (team, _) = try await crowded.team(limits: [nil, nil])
            try await crowded.publishAssign(to: team)
            let combiner = IngestCombiner(store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            for start in stride(from: 0, to: 50_000, by: 250) {
                _ = try await combiner.accept(
                    (start..<(start + 250)).map { crowded.message("c\($0)") }, in: crowded.workspace)
            }
            let quiet = try await Scenario(store)
            let (other, _) = try await quiet.team(limits: [nil])
            try await quiet.publishAssign(to: other)
            try await withWorkers([store]) {
                #expect(
                    try await eventually {
                        try await store.value(
                            "SELECT count(*) AS count FROM assignments WHERE workspace_id = $1", [crowded.workspace],
                            as: Int.self) > 500
                    })
                let result = try await combiner.accept([quiet.message("only")], in: quiet.workspace)[0]
                let before = ContinuousClock.now
                #expect(
                    try await eventually {
                        try await store.value(
                            "SELECT assignee_id IS NOT NULL AS ok FROM conversations WHERE id = $1",
                            [result.conversationID])
                    })
                #expect(ContinuousClock.now - before < .seconds(1))
                let left: Int = try await store.value("SELECT count(*) AS count FROM run_signals")
                #expect(left > 1000, "the backlog was gone before it could disturb: \(left)")
            }
        }
    }

    /// S21: an agent who comes online is given who waits, by the mark alone (the sweep is switched off).
    @Test(.timeLimit(.minutes(15)))
    func comingOnlineServesTheLine() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let (team, agents) = try await scenario.team(limits: [1], presence: .offline)
            try await scenario.publishAssign(to: team)
            var configuration = WorkerConfiguration()
            configuration.lineSweep = 3600
            try await withWorkers([store], configuration) {
                let combiner = IngestCombiner(
                    store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
                let first = try await combiner.accept([scenario.message("a")], in: scenario.workspace)[0]
                #expect(
                    try await eventually { try await store.value("SELECT count(*) AS count FROM line_entries") == 1 })
                _ = try await combiner.accept([scenario.message("b")], in: scenario.workspace)
                #expect(
                    try await eventually { try await store.value("SELECT count(*) AS count FROM line_entries") == 2 })
                _ = try await store.write {
                    try $0.setPresence(.online, ofAgent: agents[0], by: Scenario.caller, in: scenario.workspace)
                }
                #expect(
                    try await eventually {
                        try await store.value(
                            "SELECT assignee_id IS NOT NULL AS ok FROM conversations WHERE id = $1",
                            [first.conversationID])
                    })
                #expect(try await store.value("SELECT count(*) AS count FROM line_entries") == 1)
                // The run that waited there goes on and ends.
                #expect(
                    try await eventually {
                        try await store.value("SELECT count(*) AS count FROM runs WHERE status = 'completed'") == 1
                    })
            }
            try await scenario.requireConsistency()
        }
    }

    /// Two live workflows want the same conversation at the same instant: it stands in one line, is assigned once, and
    /// both runs end.
    @Test(.timeLimit(.minutes(15)))
    func twoWorkflowsWantOneConversation() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let (first, _) = try await scenario.team("First", limits: [nil])
            let (second, _) = try await scenario.team("Second", limits: [nil, nil])
            try await scenario.publishAssign(to: first)
            try await scenario.publishAssign(to: second)
            let combiner = IngestCombiner(store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            _ = try await combiner.accept((0..<50).map { scenario.message("c\($0)") }, in: scenario.workspace)
            try await withWorkers([store]) {
                let ended = try await eventually {
                    try await store.value("SELECT count(*) AS count FROM runs WHERE status = 'completed'") == 100
                }
                #expect(ended)
            }
            #expect(try await store.value("SELECT count(*) AS count FROM assignments WHERE agent_id IS NOT NULL") == 50)
            try await scenario.requireConsistency()
        }
    }

    /// S15: where the first in line cannot take the free agent, the next who can is served, however long the line.
    @Test(.timeLimit(.minutes(15)))
    func whoAsksLessIsServedBehindALongLine() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let (team, agents) = try await scenario.team(limits: [5], presence: .offline)
            let combiner = IngestCombiner(store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            let ids = try await combiner.accept(
                (0..<501).map { scenario.message("c\($0)") }, in: scenario.workspace
            ).compactMap(\.conversationID)
            for (index, id) in ids.enumerated() {
                try await store.write {
                    try $0.assign(
                        id,
                        to: AssignRequest(
                            teamID: team, strategy: .roundRobin, maxOpen: index == 500 ? nil : 1),
                        by: Scenario.caller, in: scenario.workspace)
                }
            }
            try await withWorkers([store]) {
                _ = try await store.write {
                    try $0.setPresence(.online, ofAgent: agents[0], by: Scenario.caller, in: scenario.workspace)
                }
                // The first takes the agent's only place below one; the last asks for no such thing.
                #expect(
                    try await eventually(within: .seconds(5)) {
                        try await store.value(
                            "SELECT count(*) = 2 AS ok FROM conversations WHERE id = ANY ($1) AND assignee_id IS NOT NULL",
                            [[ids[0], ids[500]]])
                    })
            }
            #expect(try await store.value("SELECT count(*) AS count FROM assignments WHERE agent_id IS NOT NULL") == 2)
            try await scenario.requireConsistency()
        }
    }

    private func expectEvenPrefixes(_ log: [UUID], limits: [UUID: Int]) {
        var counts: [UUID: Int] = limits.mapValues { _ in 0 }
        for (index, agent) in log.enumerated() {
            counts[agent, default: 0] += 1
            let below = limits.filter { (counts[$0.key] ?? 0) < $0.value }.compactMap { counts[$0.key] }
            guard let low = below.min(), let high = below.max() else { continue }
            if high - low > 1 {
                Issue.record("after \(index + 1) assignments the counts below the limit are \(below)")
                return
            }
        }
    }
}
