import Core
import Engine
import Foundation
import Postgres
import Store
import TestKit
import Testing

/// Batches of one workspace that run beside each other, on lines whose agents are the same people (S15, S19).
@Suite struct SharedAgentsTests {
    /// Twelve agents, each in three or four of six teams; three workers of three batches each, of few runs. While there is room
    /// nobody stands in line; nobody is ever above the limit; who stands there is not overtaken; nothing deadlocks.
    @Test(.timeLimit(.minutes(15)))
    func batchesShareAgents() async throws {
        try await withTestStore(transactionConnections: 6) { store, url in
            let scenario = try await Scenario(store)
            let teams = try await Self.teams(of: scenario, limit: 70)
            try await Self.publish(scenario, teams)
            let others = [
                try await openTestStore(url, transactionConnections: 6),
                try await openTestStore(url, transactionConnections: 6),
            ]
            var configuration = WorkerConfiguration()
            configuration.batch = 10
            configuration.concurrency = 3
            try await withWorkers([store] + others, configuration) {
                try await Self.receive(0..<600, scenario)
                #expect(try await eventually { try await Self.assigned(store) == 600 })
                let waited: Int = try await store.value(
                    "SELECT count(*) AS count FROM events WHERE type = 'conversation.waiting'")
                #expect(waited == 0, "\(waited) stood in line while there was room")

                // More than the 840 places there are.
                try await Self.receive(600..<1000, scenario)
                #expect(try await eventually { try await Self.settled(store) })
                #expect(try await store.value("SELECT count(*) >= 160 AS ok FROM line_entries"))
                let held = try await store.rows(
                    "SELECT id FROM conversations WHERE assignee_id IS NOT NULL ORDER BY random() LIMIT 60"
                ).map { try $0.decode("id", as: UUID.self) }
                for id in held {
                    try await store.write {
                        try $0.closeConversation(
                            id, category: nil, summary: nil, by: Scenario.caller, in: scenario.workspace)
                    }
                }
                #expect(try await eventually { try await Self.settled(store) })
            }
            let overtaken: Int = try await store.value(
                """
                SELECT count(*) AS count FROM line_entries e
                    JOIN decisions d ON d.workspace_id = e.workspace_id AND d.line_id = e.line_id
                        AND d.occurred_at > e.entered_at
                    JOIN assignments a ON a.workspace_id = d.workspace_id AND a.decision_id = d.id
                WHERE a.queued_at > e.queued_at
                """)
            #expect(overtaken == 0)
            #expect(try await store.value("SELECT count(*) AS count FROM runs WHERE status = 'failed'") == 0)
            try await scenario.requireConsistency()
            // A session's figures come with its end, or a second after its last transaction.
            for other in others { await other.database.close() }
            try await Task.sleep(for: .seconds(1.5))
            let deadlocks: Int = try await store.value(
                "SELECT deadlocks AS count FROM pg_stat_database WHERE datname = current_database()")
            #expect(deadlocks == 0)
        }
    }

    /// S13, S15: who keeps a line locked for too long keeps no run from going on and has none blamed.
    @Test(.timeLimit(.minutes(15)))
    func aStuckLine() async throws {
        try await withTestStore(transactionConnections: 6) { store, _ in
            let scenario = try await Scenario(store)
            let (team, _) = try await scenario.team(limits: [nil])
            try await scenario.publishAssign(to: team)
            let combiner = IngestCombiner(store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            try await withWorkers([store]) {
                try await store.whileHolding("SELECT id FROM lines WHERE id = '\(team)' FOR NO KEY UPDATE") {
                    _ = try await combiner.accept((0..<20).map { scenario.message("c\($0)") }, in: scenario.workspace)
                    #expect(
                        try await eventually {
                            try await store.value("SELECT count(*) AS count FROM line_entries") == 20
                        })
                }
                #expect(try await eventually { try await Self.assigned(store) == 20 })
            }
            #expect(try await store.value("SELECT coalesce(max(failures), 0)::bigint AS count FROM runs") == 0)
            try await scenario.requireConsistency()
        }
    }

    /// S15: while a batch that has taken its line waits for agents, somebody with a better place may enter it, and goes first.
    @Test(.timeLimit(.minutes(15)))
    func whoEntersWhileAgentsAreWaitedForIsNotOvertaken() async throws {
        try await withTestStore(transactionConnections: 6) { store, _ in
            let scenario = try await Scenario(store)
            let (team, _) = try await scenario.team(limits: [1])
            let combiner = IngestCombiner(store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            // Before there is a workflow: a person has to assign it.
            let first = try await combiner.accept([scenario.message("urgent")], in: scenario.workspace)[0]
            let urgent = try #require(first.conversationID)
            try await store.execute("UPDATE conversations SET priority = 'urgent'")
            try await scenario.publishAssign(to: team)
            try await withWorkers([store]) {
                try await store.whileHolding("SELECT id FROM agents FOR NO KEY UPDATE") {
                    _ = try await combiner.accept([scenario.message("normal")], in: scenario.workspace)
                    #expect(try await store.oneWaitsForALock())
                    try await store.write {
                        try $0.assign(
                            urgent, to: AssignRequest(teamID: team, strategy: .roundRobin), by: Scenario.caller,
                            in: scenario.workspace)
                    }
                    #expect(try await store.value("SELECT count(*) AS count FROM line_entries") == 1)
                }
                let isSettled = try await eventually {
                    let entries: Int = try await store.value("SELECT count(*) AS count FROM line_entries")
                    return try await Self.assigned(store) == 1 && entries == 1
                }
                #expect(isSettled)
            }
            let assigned: UUID = try await store.value("SELECT id FROM conversations WHERE assignee_id IS NOT NULL")
            #expect(assigned == urgent)
            try await scenario.requireConsistency()
        }
    }

    private static func teams(of scenario: Scenario, limit: Int) async throws -> [UUID] {
        try await scenario.store.write { tx in
            let agents = try (0..<12).map { index in
                try tx.createAgent(
                    NewAgent(name: "Agent \(index)", presence: .online, maxOpen: limit), by: Scenario.caller,
                    in: scenario.workspace
                ).id
            }
            return try (0..<6).map { index in
                let team = try tx.createTeam(name: "Team \(index)", by: Scenario.caller, in: scenario.workspace).id
                for member in agents.indices where (member + index) % 4 < 2 {
                    _ = try tx.addMember(agents[member], toTeam: team, by: Scenario.caller, in: scenario.workspace)
                }
                return team
            }
        }
    }

    /// By the word of its team in a message's text.
    private static func publish(_ scenario: Scenario, _ teams: [UUID]) async throws {
        let branches: [JSON] = teams.indices.map {
            [
                "name": .string("b\($0)"), "next": .string("to\($0)"),
                "conditions": [
                    "any": [["field": "message.text", "operator": "contains", "value": .string("team\($0)")]]
                ],
            ]
        }
        let steps: [JSON] = teams.indices.map {
            [
                "id": .string("to\($0)"), "type": "assign", "target": ["team_id": .id(teams[$0])],
                "strategy": .string($0 % 2 == 0 ? "round_robin" : "least_open"), "next": .null,
            ]
        }
        let topic: JSON = ["id": "topic", "type": "branch", "else": "to0", "branches": .array(branches)]
        try await scenario.publish(steps: [topic] + steps)
    }

    private static func receive(_ numbers: Range<Int>, _ scenario: Scenario) async throws {
        let combiner = IngestCombiner(
            store: scenario.store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 25) {
                group.addTask {
                    let events = (start..<(start + 25)).map { scenario.message("c\($0)", "team\($0 % 6)") }
                    _ = try await combiner.accept(events, in: scenario.workspace)
                }
            }
            try await group.waitForAll()
        }
    }

    private static func assigned(_ store: Store) async throws -> Int {
        try await store.value("SELECT count(*) AS count FROM conversations WHERE assignee_id IS NOT NULL")
    }

    /// No run is left to begin, and nobody stands in line for an agent who has room.
    private static func settled(_ store: Store) async throws -> Bool {
        try await store.value(
            """
            SELECT NOT EXISTS (SELECT FROM runs WHERE status = 'candidate')
                AND NOT EXISTS (
                    SELECT FROM line_entries e
                        JOIN team_members m ON m.workspace_id = e.workspace_id AND m.team_id = e.line_id
                        JOIN agents a ON a.workspace_id = m.workspace_id AND a.id = m.agent_id
                    WHERE a.open_count < a.max_open) AS ok
            """)
    }
}
