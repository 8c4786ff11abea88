import Core
import Engine
import Foundation
import Postgres
import Store
import TestKit
import Testing

/// Workflows on the real database, step by step.
@Suite struct RunTests {
    @Test("branching by words, fields, tags, a message, a comment, a pause and an assignment", .timeLimit(.minutes(15)))
    func everyStep() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let (team, _) = try await scenario.team(limits: [nil])
            try await scenario.publish(steps: [
                [
                    "id": "topic", "type": "branch", "else": "general",
                    "branches": [
                        [
                            "name": "cards", "next": "note_topic",
                            "conditions": [
                                "any": [["field": "message.text", "operator": "contains", "value": "card"]]
                            ],
                        ]
                    ],
                ],
                [
                    "id": "note_topic", "type": "update_contact_field", "field": "topic", "value": "cards",
                    "next": "mark",
                ],
                ["id": "mark", "type": "update_tags", "add": ["vip", "cards"], "remove": ["new"], "next": "greet"],
                [
                    "id": "greet", "type": "send_message", "text": "Hello {{contact.name}}: {{contact.topic}}",
                    "next": "remember",
                ],
                ["id": "remember", "type": "add_comment", "text": "Asked about {{contact.topic}}", "next": "pause"],
                ["id": "pause", "type": "wait", "duration": "PT1S", "next": "general"],
                [
                    "id": "general", "type": "assign", "target": ["team_id": .id(team)], "strategy": "least_open",
                    "next": .null,
                ],
            ])
            let results = try await ingest(scenario, [("c1", "I lost my CÁRD!"), ("c2", "Good morning")])
            try await withWorkers([store]) {
                let ended = try await allEnded(store, 2)
                #expect(ended)
            }
            #expect(try await statuses(store) == ["completed", "completed"])
            let one = try await store.rows(
                """
                SELECT k.fields ->> 'topic' AS topic, k.tags, c.assignee_id IS NOT NULL AS assigned,
                    (SELECT m.text FROM messages m WHERE m.conversation_id = c.id AND m.direction = 'outgoing') AS greeting,
                    (SELECT o.text FROM comments o WHERE o.conversation_id = c.id) AS comment,
                    (SELECT r.id FROM runs r WHERE r.conversation_id = c.id) AS run
                FROM conversations c JOIN contacts k ON k.id = c.contact_id WHERE c.id = $1
                """, [results[0].conversationID])[0]
            #expect(try one.decode("topic") == "cards")
            #expect(try one.decode("tags", as: [String].self) == ["vip", "cards"])
            #expect(try one.decode("greeting") == "Hello Contact c1: cards")
            #expect(try one.decode("comment") == "Asked about cards")
            #expect(try one.decode("assigned"))
            let (run, log) = try await store.run(one.decode("run"), in: scenario.workspace)
            #expect(run.status == "completed")
            let ports = log.filter { $0.kind == "port" }.map { "\($0.step ?? "")>\($0.port ?? "")" }
            #expect(
                ports == [
                    "topic>cards", "note_topic>next", "mark>next", "greet>next", "remember>next", "pause>next",
                    "general>next",
                ])
            let waited: Double = try await store.value(
                """
                SELECT extract(epoch FROM max(l.occurred_at) FILTER (WHERE l.kind = 'port' AND l.step = 'pause')
                    - max(l.occurred_at) FILTER (WHERE l.kind = 'port' AND l.step = 'remember'))::double precision AS waited
                FROM run_log l WHERE l.run_id = $1
                """, [run.id])
            #expect(waited >= 1 && waited < 5)
            // The other one went by the other way.
            #expect(try await store.value("SELECT count(*) AS count FROM comments") == 1)
            #expect(
                try await store.value(
                    "SELECT count(*) AS count FROM conversations WHERE assignee_id IS NOT NULL AND NOT waiting") == 2)
            #expect(
                try await store.value(
                    "SELECT count(*) AS count FROM contact_fields WHERE name = 'topic' AND type = 'text'") == 1)
            try await scenario.requireConsistency()
        }
    }

    @Test("a time-out in line is taken once, and the next line keeps the place", .timeLimit(.minutes(15)))
    func timeoutMovesOn() async throws {
        try await withTestStore { store, url in
            let scenario = try await Scenario(store)
            let (first, _) = try await scenario.team("First", limits: [nil], presence: .away)
            let (second, agents) = try await scenario.team("Second", limits: [nil], presence: .offline)
            try await scenario.publish(steps: [
                [
                    "id": "to_first", "type": "assign", "target": ["team_id": .id(first)], "timeout": "PT1S",
                    "next": .null, "on_timeout": "late",
                ],
                ["id": "late", "type": "add_comment", "text": "Nobody came", "next": "to_second"],
                ["id": "to_second", "type": "assign", "target": ["team_id": .id(second)], "next": "done"],
                ["id": "done", "type": "add_comment", "text": "Somebody came", "next": .null],
            ])
            let results = try await ingest(scenario, (0..<20).map { ("c\($0)", "Hello") })
            let other = try await openTestStore(url)
            try await withWorkers([store, other]) {
                #expect(
                    try await eventually {
                        try await store.value("SELECT count(*) AS count FROM line_entries WHERE line_id = $1", [second])
                            == 20
                    })
                #expect(
                    try await store.value(
                        """
                        SELECT count(*) AS count FROM line_entries e JOIN conversations c ON c.id = e.conversation_id
                        WHERE e.queued_at = c.opened_at AND e.entered_at > c.opened_at + interval '1 second' AND c.waiting
                        """) == 20)
                _ = try await store.write {
                    try $0.setPresence(.online, ofAgent: agents[0], by: Scenario.caller, in: scenario.workspace)
                }
                #expect(try await allEnded(store, 20))
            }
            await other.database.close()
            #expect(try await store.value("SELECT count(*) AS count FROM comments WHERE text = 'Nobody came'") == 20)
            #expect(try await store.value("SELECT count(*) AS count FROM comments WHERE text = 'Somebody came'") == 20)
            #expect(
                try await store.value(
                    "SELECT count(*) AS count FROM run_log WHERE kind = 'port' AND port = 'on_timeout' AND step = 'to_first'"
                ) == 20)
            // Oldest first, by the opening.
            let served = try await store.rows(
                "SELECT a.conversation_id FROM assignments a JOIN decisions d ON d.id = a.decision_id WHERE a.kind = 'assignment' ORDER BY d.occurred_at, d.id, a.position"
            ).map { try $0.decode("conversation_id", as: UUID.self) }
            let opened = try await store.rows(
                """
                SELECT a.conversation_id FROM assignments a WHERE a.kind = 'assignment' AND a.queued_at IS NOT NULL
                ORDER BY a.queued_at
                """
            ).map { try $0.decode("conversation_id", as: UUID.self) }
            #expect(Set(served) == Set(results.compactMap(\.conversationID)))
            let times = try await store.rows(
                "SELECT conversation_id, queued_at FROM assignments WHERE kind = 'assignment'")
            var place: [UUID: Date] = [:]
            for row in times { place[try row.decode("conversation_id")] = try row.decode("queued_at", as: Date.self) }
            let order = served.compactMap { place[$0] }
            #expect(order == order.sorted() && opened.count == 20)
            try await scenario.requireConsistency()
        }
    }
}
