import Core
import Engine
import Foundation
import Postgres
import Store
import TestKit
import Testing

/// How runs end before their last step, or without it.
@Suite struct RunEndTests {
    private static let agentName = "Ana"

    @Test(
        "people win: assigned while waiting, the run takes next; assigned before, the step leaves it",
        .timeLimit(.minutes(15)))
    func peopleWin() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let (team, agents) = try await scenario.team(limits: [1, nil], presence: .offline)
            try await scenario.publish(steps: [
                [
                    "id": "to", "type": "assign", "target": ["team_id": .id(team)], "timeout": "PT1H", "next": "pause",
                    "on_timeout": .null,
                ],
                ["id": "pause", "type": "wait", "duration": "PT1S", "next": "again"],
                ["id": "again", "type": "assign", "target": ["team_id": .id(team)], "next": .null],
            ])
            let conversation = try #require(try await ingest(scenario, [("c", "Hello")])[0].conversationID)
            try await withWorkers([store]) {
                #expect(
                    try await eventually { try await store.value("SELECT count(*) AS count FROM line_entries") == 1 })
                let person = Caller(source: .agent, actor: Actor(kind: "agent", id: agents[1], name: Self.agentName))
                try await store.write {
                    try $0.assign(
                        conversation, to: AssignRequest(agentID: .some(agents[1])), by: person, in: scenario.workspace)
                    // In that same transaction, not when the worker hears of it.
                    try $0.flush()
                }
                #expect(try await store.value("SELECT count(*) AS count FROM line_entries") == 0)
                #expect(try await allEnded(store, 1))
            }
            #expect(try await statuses(store) == ["completed"])
            #expect(
                try await store.value("SELECT assignee_id FROM conversations WHERE id = $1", [conversation])
                    == agents[1])
            #expect(try await store.value("SELECT count(*) AS count FROM assignments WHERE kind = 'assignment'") == 1)
            let reasons = try await store.rows(
                "SELECT data ->> 'reason' AS reason FROM run_log WHERE kind = 'port' AND step IN ('to', 'again') ORDER BY id"
            ).map { try $0.decode("reason", as: String?.self) }
            #expect(reasons == ["assigned_by_person", "assigned_by_person"])
            try await scenario.requireConsistency()
        }
    }

    @Test("closing while it waits ends the run and takes it out of the line", .timeLimit(.minutes(15)))
    func closedWhileWaiting() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let (team, agents) = try await scenario.team(limits: [1], presence: .offline)
            try await scenario.publish(steps: [
                [
                    "id": "to", "type": "assign", "target": ["team_id": .id(team)], "timeout": "PT1S", "next": .null,
                    "on_timeout": "to",
                ]
            ])
            let conversation = try #require(try await ingest(scenario, [("c", "Hello")])[0].conversationID)
            try await withWorkers([store]) {
                #expect(
                    try await eventually { try await store.value("SELECT count(*) AS count FROM line_entries") == 1 })
                try await store.write {
                    try $0.closeConversation(
                        conversation, category: nil, summary: nil, by: Scenario.caller, in: scenario.workspace)
                }
                #expect(try await store.value("SELECT count(*) AS count FROM line_entries") == 0)
                #expect(try await allEnded(store, 1))
                _ = try await store.write {
                    try $0.setPresence(.online, ofAgent: agents[0], by: Scenario.caller, in: scenario.workspace)
                }
                // Somebody else's later conversation is served; the closed one is not.
                _ = try await ingest(scenario, [("d", "Hello")])
                #expect(try await allEnded(store, 2))
            }
            #expect(try await statuses(store) == ["completed", "conversation_closed"])
            #expect(
                try await store.value(
                    "SELECT assignee_id IS NULL AS free FROM conversations WHERE id = $1", [conversation]))
            #expect(try await store.value("SELECT count(*) AS count FROM run_signals") == 0)
            try await scenario.requireConsistency()
        }
    }

    @Test(
        "stopping a workflow with its runs ends them, nothing new starts, who waits keeps the place",
        .timeLimit(.minutes(15)))
    func stopped() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let (team, agents) = try await scenario.team(limits: [nil], presence: .offline)
            let workflow = try await scenario.publishAssign(to: team)
            _ = try await ingest(scenario, (0..<30).map { ("c\($0)", "Hello") })
            try await withWorkers([store]) {
                let waiting = try await eventually {
                    try await store.value("SELECT count(*) AS count FROM line_entries") == 30
                }
                #expect(waiting)
            }
            // These are candidates that nobody has looked at when the workflow stops.
            _ = try await ingest(scenario, (30..<40).map { ("c\($0)", "Hello") })
            _ = try await store.write { try $0.stopWorkflow(workflow, in: scenario.workspace) }
            #expect(try await store.endRuns(ofWorkflow: workflow, in: scenario.workspace) == 40)
            _ = try await ingest(scenario, (40..<45).map { ("c\($0)", "Hello") })
            try await withWorkers([store]) {
                #expect(
                    try await eventually {
                        try await store.value(
                            "SELECT count(*) AS count FROM runs WHERE status IN ('candidate', 'active')") == 0
                    })
                #expect(try await store.value("SELECT count(*) AS count FROM line_entries") == 30)
                _ = try await store.write {
                    try $0.setPresence(.online, ofAgent: agents[0], by: Scenario.caller, in: scenario.workspace)
                }
                // The ended runs are still told who got their conversations; the worker throws that away.
                #expect(
                    try await eventually {
                        try await store.value(
                            "SELECT (SELECT count(*) FROM line_entries) + (SELECT count(*) FROM run_signals) AS count")
                            == 0
                    })
            }
            #expect(Set(try await statuses(store)).isSubset(of: ["stopped"]))
            #expect(
                try await store.value("SELECT count(*) AS count FROM runs WHERE status = 'stopped'", as: Int.self) >= 30
            )
            #expect(try await store.value("SELECT count(*) AS count FROM assignments WHERE kind = 'assignment'") == 30)
            try await scenario.requireConsistency()
        }
    }

    @Test(
        "S13: a run that can never be written fails after five tries, and its neighbours go on",
        .timeLimit(.minutes(15))
    )
    func poisoned() async throws {
        try await withTestStore { store, url in
            let scenario = try await Scenario(store)
            let (team, _) = try await scenario.team(limits: [nil])
            try await scenario.publish(steps: [
                ["id": "note", "type": "add_comment", "text": "They say {{message.text}}", "next": "to"],
                ["id": "to", "type": "assign", "target": ["team_id": .id(team)], "next": .null],
            ])
            try await store.execute("ALTER TABLE comments ADD CONSTRAINT poison CHECK (text NOT LIKE '%poison%')")
            _ = try await ingest(scenario, (0..<60).map { ("c\($0)", $0 == 7 || $0 == 33 ? "poison" : "water") })
            let other = try await openTestStore(url)
            try await withWorkers([store, other]) {
                let ended = try await eventually {
                    // The waiting between tries is not what is tested.
                    try await store.execute(
                        """
                        UPDATE run_signals SET due_at = now() WHERE due_at > now()
                            AND run_id IN (SELECT id FROM runs WHERE failures BETWEEN 1 AND 4)
                        """)
                    return try await store.value(
                        "SELECT count(*) AS count FROM runs WHERE status NOT IN ('candidate', 'active')") == 60
                }
                #expect(ended)
            }
            await other.database.close()
            #expect(
                try await store.value("SELECT count(*) AS count FROM runs WHERE status = 'completed' AND failures = 0")
                    == 58)
            let failed = try await store.rows("SELECT failures, reason, ended_at FROM runs WHERE status = 'failed'")
            #expect(try failed.map { try $0.decode("failures", as: Int.self) } == [5, 5])
            for row in failed {
                let reason: String = try row.decode("reason")
                #expect(reason.hasPrefix("write_failed") && !reason.contains("They say"), "\(reason)")
            }
            #expect(
                try await store.value("SELECT count(*) AS count FROM conversations WHERE assignee_id IS NOT NULL") == 58
            )
            #expect(try await store.value("SELECT count(*) AS count FROM run_signals") == 0)
            try await scenario.requireConsistency()
        }
    }

    /// A worker that took a signal without getting its run has the signal until its batch is over. Who ends that run has
    /// lines, and the worker may wait for one.
    @Test(.timeLimit(.minutes(15))) func endingWaitsForNoSignalThatSomebodyHas() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            try await scenario.publish(steps: [
                ["id": "pause", "type": "wait", "duration": "PT1H", "next": .null]
            ])
            let conversation = try #require(try await ingest(scenario, [("c", "Hello")])[0].conversationID)
            try await withWorkers([store]) {
                let waits = try await eventually { try await statuses(store) == ["active"] }
                #expect(waits)
            }
            try await store.execute(
                """
                INSERT INTO run_signals (workspace_id, run_id, id, kind, due_at)
                SELECT workspace_id, id, gen_random_uuid(), 'assigned', now() FROM runs
                """)
            try await store.whileHolding("SELECT id FROM run_signals WHERE kind = 'assigned' FOR UPDATE") {
                try await store.write {
                    try $0.closeConversation(
                        conversation, category: nil, summary: nil, by: Scenario.caller, in: scenario.workspace)
                }
                try await withWorkers([store]) {
                    let ended = try await allEnded(store, 1)
                    #expect(ended)
                }
                let left = try await store.rows("SELECT kind FROM run_signals")
                #expect(try left.map { try $0.decode("kind", as: String.self) } == ["assigned"])
            }
            try await withWorkers([store]) {
                let isEmpty = try await eventually {
                    try await store.value("SELECT count(*) AS count FROM run_signals") == 0
                }
                #expect(isEmpty)
            }
            try await scenario.requireConsistency()
        }
    }
}
