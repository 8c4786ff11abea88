import Core
import Engine
import Foundation
import Postgres
import Store
import TestKit
import Testing

/// Workflows on the real database, step by step.
@Suite struct RunTests {
    private static let agentName = "Ana"

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

    @Test("S24: what was erased is nowhere in the database", .timeLimit(.minutes(15)))
    func erased() async throws {
        let channel = try FakeChannel { delivery in .status(503, body: #"{"error": "cannot take \#(delivery.text)"}"#) }
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store, channelURL: channel.url)
            let (team, agents) = try await scenario.team(limits: [nil], presence: .offline)
            let marker = "xyzzy"
            try await scenario.publish(steps: [
                [
                    "id": "keep", "type": "update_contact_field", "field": "topic", "value": "{{message.text}}",
                    "next": "note",
                ],
                [
                    "id": "note", "type": "add_comment", "text": "{{contact.name}} says {{message.text}}",
                    "next": "greet",
                ],
                ["id": "greet", "type": "send_message", "text": "You said {{message.text}}", "next": "to"],
                ["id": "to", "type": "assign", "target": ["team_id": .id(team)], "next": .null],
            ])
            let event = InboundEvent(
                channelID: scenario.channel,
                message: InboundMessage(
                    messageID: "m-\(marker)", externalID: "e-\(marker)",
                    profile: ContactProfile(name: "N \(marker)", email: "\(marker)@example.com", phone: "+1 \(marker)"),
                    text: "My secret is \(marker)"))
            let combiner = IngestCombiner(store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            let conversation = try #require(
                try await combiner.accept([event], in: scenario.workspace)[0].conversationID)
            let agent = Caller(source: .agent, actor: Actor(kind: "agent", id: agents[0], name: Self.agentName))
            try await withWorkers([store]) {
                try await withEffects(store) {
                    let echoed = try await eventually {
                        try await store.value("SELECT count(*) AS count FROM outbox WHERE error LIKE '%\(marker)%'")
                            == 1
                    }
                    #expect(echoed)
                }
            }
            let contact: UUID = try await store.value(
                "SELECT contact_id FROM conversations WHERE id = $1", [conversation])
            try await store.write {
                try $0.patchConversation(
                    conversation, priority: nil, subject: .value("About \(marker)"),
                    custom: .value(["note": .string(marker)]),
                    by: agent, in: scenario.workspace)
                _ = try $0.sendMessage("We know \(marker)", in: conversation, by: agent, workspace: scenario.workspace)
                _ = try $0.addComment("Mind \(marker)", in: conversation, by: agent, workspace: scenario.workspace)
                _ = try $0.addTag("t-\(marker)", toContact: contact, by: agent, in: scenario.workspace)
            }
            // Closed with a summary, and another one open.
            try await store.write {
                try $0.closeConversation(
                    conversation, category: nil, summary: "It was \(marker)", by: agent, in: scenario.workspace)
            }
            try await store.execute(
                "UPDATE runs SET state = jsonb_set(state, '{variables}', '{\"answer\": \"\(marker)\"}')")
            _ = try await combiner.accept(
                [scenario.message("e-\(marker)", "Again \(marker)", id: "2-\(marker)")], in: scenario.workspace)
            // A blocked contact's message belongs to no conversation.
            try await store.execute("UPDATE contacts SET blocked = true")
            #expect(
                try await combiner.accept(
                    [scenario.message("e-\(marker)", "More \(marker)", id: "3-\(marker)")], in: scenario.workspace)[0]
                    .opened == false)
            try await store.execute(
                """
                INSERT INTO idempotency_keys (workspace_id, caller, key, operation, fingerprint, status, response, about)
                VALUES ($1, 'key', 'k1', 'POST', '', 201, '{"text": "\(marker)"}', $2), ($1, 'key', 'k2', 'POST', '', 201, '{"text": "\(marker)"}', $3)
                """, [scenario.workspace, conversation, contact])
            #expect(try await places(of: marker, in: store).count >= 8)
            try await store.write { try $0.eraseContact(contact, by: agent, in: scenario.workspace) }
            #expect(try await places(of: marker, in: store) == [])
            // The facts stay, and the next message is a stranger's.
            #expect(
                try await store.value(
                    "SELECT count(*) AS count FROM conversations WHERE erased_at IS NOT NULL AND status = 'closed'")
                    == 2)
            let again = try await combiner.accept([scenario.message("e-\(marker)", "New")], in: scenario.workspace)[0]
            #expect(again.opened)
            try await withWorkers([store]) {
                let judged = try await eventually {
                    try await store.value("SELECT count(*) AS count FROM runs WHERE status = 'candidate'") == 0
                }
                #expect(judged)
            }
            try await scenario.requireConsistency()
        }
        await channel.stop()
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

    // MARK: -

    private func ingest(_ scenario: Scenario, _ messages: [(String, String)]) async throws -> [InboundResult] {
        let combiner = IngestCombiner(
            store: scenario.store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
        return try await combiner.accept(messages.map { scenario.message($0.0, $0.1) }, in: scenario.workspace)
    }

    private func allEnded(_ store: Store, _ count: Int) async throws -> Bool {
        try await eventually {
            try await store.value("SELECT count(*) AS count FROM runs WHERE status NOT IN ('candidate', 'active')")
                == count
        }
    }

    private func statuses(_ store: Store) async throws -> [String] {
        try await store.rows("SELECT status FROM runs WHERE status <> 'candidate' ORDER BY status")
            .map { try $0.decode("status") }
    }

    /// Tables with a row in which the text stands, in whatever column.
    private func places(of text: String, in store: Store) async throws -> [String] {
        let tables = try await store.rows(
            "SELECT relname::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
        ).map { try $0.decode("name", as: String.self) }
        var found: [String] = []
        for table in tables {
            if try await store.value(
                "SELECT EXISTS (SELECT FROM \(table) t WHERE t::text ILIKE '%\(text)%') AS found", as: Bool.self)
            {
                found.append(table)
            }
        }
        return found
    }
}
