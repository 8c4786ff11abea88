import Core
import Engine
import Foundation
import Store
import TestKit
import Testing

/// S12: how many batches of a workspace's runs are under way at once, over all workers.
@Suite struct RunTurnsTests {
    @Test("a batch begins when one of the first turns is free, and takes nothing otherwise", .timeLimit(.minutes(15)))
    func turns() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let other = try await Scenario(store)
            for one in [scenario, other] {
                _ = try await one.publish(steps: [["id": "pause", "type": "wait", "duration": "PT1H", "next": .null]])
                _ = try await ingest(one, [("c", "Hello")])
            }
            let (first, second) = (scenario.workspace, other.workspace)
            let advance: @Sendable (Int, UUID) async throws -> Int = { turns, workspace in
                try await store.write {
                    try $0.workRuns(limit: 10, turns: turns, versions: WorkflowVersions(), in: workspace).advanced
                }
            }
            let held = "SELECT turn FROM run_turns WHERE workspace_id = '\(first)' AND turn"
            var advanced: [Int] = []
            try await store.whileHolding("\(held) = 1 FOR NO KEY UPDATE") {
                try await store.whileHolding("\(held) = 2 FOR NO KEY UPDATE") {
                    advanced.append(try await advance(2, first))
                    advanced.append(try await advance(2, second))
                }
                advanced.append(try await advance(1, first))
                advanced.append(try await advance(2, first))
            }
            // Nobody waited, and only the one workspace was meant.
            #expect(advanced == [0, 1, 0, 1])
            // Whoever must begin, such as the second try of a batch that waited for a line, finds a turn behind the first.
            _ = try await ingest(scenario, [("d", "Hello")])
            try await store.whileHolding("\(held) <= 2 FOR NO KEY UPDATE") {
                advanced = [try await advance(2, first), try await advance(.max, first)]
            }
            #expect(advanced == [0, 1])
        }
    }

    @Test("a worker that was refused a turn goes on when there is one", .timeLimit(.minutes(15)))
    func refused() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let (team, _) = try await scenario.team(limits: [nil])
            try await scenario.publishAssign(to: team)
            try await withWorkers([store]) {
                try await store.whileHolding("SELECT turn FROM run_turns WHERE turn <= 2 FOR NO KEY UPDATE") {
                    _ = try await ingest(scenario, (0..<20).map { ("c\($0)", "Hello") })
                    let assigned: Int = try await store.value("SELECT count(*) AS count FROM assignments")
                    #expect(assigned == 0)
                }
                let ended = try await allEnded(store, 20)
                #expect(ended)
            }
            try await scenario.requireConsistency()
        }
    }
}
