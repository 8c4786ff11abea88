import API
import Core
import Foundation
import Store
import TestKit
import Testing

/// What docs/semantics.md promises, over HTTP.
@Suite struct SemanticsTests {
    /// S28: a repetition under the same key is the first answer again; with another payload it is refused.
    @Test func idempotencyKeysMakeRepetitionsSafe() async throws {
        try await withAPI(worker: false) { api in
            let conversation = try await api.a.conversation()
            let path = "/v1/conversations/\(conversation)"
            let contact = try await api.a.owner.post("/v1/contacts", ["name": "Eva"]).expect(201).id
            let cases: [(String, JSON, JSON, Int)] = [
                ("/v1/contacts", ["name": "Once"], ["name": "Twice"], 201),
                (
                    "/v1/conversations", ["contact_id": .string(contact)],
                    ["contact_id": .string(contact), "subject": "x"], 201
                ),
                ("\(path)/messages", ["text": "Hello"], ["text": "Hullo"], 201),
                ("\(path)/comments", ["text": "Note"], ["text": "Other"], 201),
                (
                    "/v1/workflows", Tenant.definition([["id": "a", "type": "end"]]),
                    Tenant.definition([["id": "a", "type": "end"]]), 201
                ),
                ("\(path)/close", ["summary": "Done"], ["summary": "Other"], 200),
            ]
            for (index, (path, body, other, status)) in cases.enumerated() {
                let client = api.a.owner.with("Idempotency-Key", "key-\(index)")
                let first = try await client.post(path, body)
                try first.expect(status)
                #expect(first.headers["Idempotent-Replayed"] == nil)
                let before = try await api.fingerprint(api.a)
                let again = try await client.post(path, body)
                #expect(again.status == status && again.bytes == first.bytes, "\(path)")
                #expect(again.headers["Idempotent-Replayed"] == "true")
                #expect(again.headers["Location"] == first.headers["Location"])
                try await client.post(path, other)
                    .refused(422, "idempotency-key-reused", ["Idempotency-Key reused"], path)
                #expect(try await api.fingerprint(api.a) == before, "\(path)")
            }
            // The key belongs to who calls and to what is called.
            let used = "key-2"
            let elsewhere = try await api.a.owner.with("Idempotency-Key", used).post("/v1/contacts", ["name": "x"])
            elsewhere.refused(422, "idempotency-key-reused", ["Idempotency-Key reused"])
            try await api.a.client("manager").with("Idempotency-Key", used).post("/v1/contacts", ["name": "x"]).expect(
                201)
            // What failed keeps no key.
            let late = api.a.owner.with("Idempotency-Key", "late")
            try await late.post("\(path)/messages", ["text": "x"]).refused(409, "conversation-closed")
            try await late.post("\(path)/messages", ["text": "x"]).refused(409, "conversation-closed")
            try await api.a.owner.with("Idempotency-Key", "has space").post("/v1/contacts", [:])
                .refused(400, "bad-request", ["Idempotency-Key invalid-format"])
        }
    }

    /// Twenty at once with one key: one of them does it.
    @Test func simultaneousRepetitionsHappenOnce() async throws {
        try await withAPI(worker: false) { api in
            let conversation = try await api.a.conversation()
            let client = api.a.owner.with("Idempotency-Key", "together")
            let answers = try await withThrowingTaskGroup(of: APIAnswer.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await client.post("/v1/conversations/\(conversation)/messages", ["text": "Hello"])
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // Who asks while it is done is told so, who asks afterwards gets the answer.
            let done = answers.filter { $0.status == 201 }
            for answer in answers where answer.status != 201 { answer.refused(409, "idempotency-key-in-use") }
            #expect(Set(done.map(\.bytes)).count == 1)
            #expect(done.count { $0.headers["Idempotent-Replayed"] == nil } == 1)
            let path = "/v1/conversations/\(conversation)/messages"
            #expect(try await api.a.owner.get(path).expect(200).items.count == 2)
        }
    }

    /// Pages neither repeat nor lose a row while rows come, and a cursor belongs to its list and filters.
    @Test func cursorsAreStable() async throws {
        try await withAPI(worker: false) { api in
            let a = api.a.owner
            for index in 0..<7 { _ = try await api.a.conversation("c\(index)") }
            for (order, seesNew) in [("desc", false), ("asc", true)] {
                let known = Set(try await ids(a, "/v1/conversations?limit=200"))
                var seen: [String] = []
                var path = "/v1/conversations?status=open&order=\(order)&limit=3"
                while true {
                    let page = try await a.get(path).expect(200)
                    seen += try page.items.map { try $0.id }
                    if seen.count <= 6 { _ = try await api.a.conversation("new \(order) \(seen.count)") }
                    guard let cursor = page["next_cursor"]?.string else { break }
                    path = "/v1/conversations?status=open&order=\(order)&limit=3&cursor=\(cursor)"
                    #expect(page.items.count == 3)
                }
                #expect(Set(seen).count == seen.count)
                #expect(known.subtracting(seen) == [])
                #expect(seesNew == (seen.count > known.count))
            }
            let cursor = try #require(try await a.get("/v1/conversations?limit=1").expect(200)["next_cursor"]?.string)
            try await a.get("/v1/conversations?limit=5&cursor=\(cursor)").expect(200)
            for query in ["status=open", "order=asc", "updated_since=2026-01-01T00:00:00Z", "waiting=false"] {
                try await a.get("/v1/conversations?\(query)&cursor=\(cursor)").refused(400, "bad-cursor", [], query)
            }
            try await a.get("/v1/contacts?cursor=\(cursor)").refused(400, "bad-cursor")
            try await a.get("/v1/conversations?cursor=\(cursor.dropLast(2))").refused(400, "bad-cursor")
            let conversation = try await api.a.conversation("c0")
            let events = "/v1/conversations/\(conversation)/events"
            let next = try #require(try await a.get("\(events)?limit=1").expect(200)["next_cursor"]?.string)
            let other = try await api.a.conversation("c1")
            try await a.get("/v1/conversations/\(other)/events?cursor=\(next)").refused(400, "bad-cursor")
        }
    }

    private func ids(_ client: APIClient, _ path: String) async throws -> [String] {
        try await client.get(path).expect(200).items.map { try $0.id }
    }

    /// S22 and S17.
    @Test func assigningByHand() async throws {
        try await withAPI(worker: false) { api in
            let a = api.a.owner
            let (ana, ben) = (
                try await api.a.agent("Ana", presence: "offline"), try await api.a.agent("Ben", maxOpen: 1)
            )
            let team = try await api.a.team("Cards", [ana])
            let id = try await api.a.conversation()
            let path = "/v1/conversations/\(id)"
            func assign(_ body: JSON) async throws -> APIAnswer { try await a.post("\(path)/assign", body) }
            let assigned = try await assign(["agent_id": .string(ana), "team_id": .string(team)]).expect(200)
            #expect(assigned["assignee_id"]?.string == ana && assigned["team_id"]?.string == team)
            #expect(try await a.get("/v1/agents/\(ana)").expect(200)["open_count"] == 1)
            let before = try await api.fingerprint(api.a)
            try await assign(["agent_id": .string(ana)]).expect(200)
            try await assign(["agent_id": .string(ana), "if_assignee_id": .string(ana)]).expect(200)
            let raced = try await assign(["agent_id": .string(ben), "if_assignee_id": .null])
            raced.refused(409, "assignee-changed")
            #expect(raced.json["assignee_id"]?.string == ana)
            #expect(try await api.fingerprint(api.a) == before, "the same again leaves no trace")
            let moved = try await api.a.acting(ana).post("\(path)/assign", ["agent_id": .string(ben)]).expect(200)
            #expect(moved["assignee_id"]?.string == ben && moved["team_id"]?.string == team)
            let second = try await api.a.conversation()
            let full = try await a.post("/v1/conversations/\(second)/assign", ["agent_id": .string(ben)])
            full.refused(409, "agent-at-limit")
            #expect(full.json["max_open"] == 1)
            let none = try await assign(["agent_id": .null]).expect(200)
            #expect(none["assignee_id"] == .null && none["team_id"]?.string == team && none["waiting"] == false)
            #expect(try await assign(["team_id": .null]).expect(200)["team_id"] == .null)
            let events = try await a.get("\(path)/events").expect(200).items.filter {
                $0["type"]?.string?.contains("assigned") == true
            }
            #expect(
                events.map { [$0["source"]?.string, $0["data"]?["kind"]?.string ?? $0["type"]?.string] } == [
                    ["api", "assignment"], ["agent", "transfer"], ["api", "conversation.unassigned"], ["api", "team"],
                ])
            #expect(events[1]["actor"]?["id"]?.string == ana && events[1]["actor"]?["name"] == "Ana")
            let assignments = try await a.get("\(path)/assignments").expect(200).items
            #expect(assignments.map { $0["via"]?.string } == Array(repeating: "direct", count: assignments.count))
            try await a.post("\(path)/close", [:]).expect(200)
            try await assign(["agent_id": .string(ana)]).refused(409, "conversation-closed")
        }
    }

    /// S15, S16, S21: with a strategy it is served, or waits and is served when there is room.
    @Test(.timeLimit(.minutes(15))) func assigningByStrategy() async throws {
        try await withAPI { api in
            let a = api.a.owner
            let agent = try await api.a.agent("Ana", maxOpen: 1)
            let team = try await api.a.team("Cards", [agent])
            let (first, second) = (try await api.a.conversation(), try await api.a.conversation())
            let body: JSON = ["team_id": .string(team), "strategy": "least_open"]
            func one(_ id: String) async throws -> JSON { try await a.get("/v1/conversations/\(id)").expect(200) }
            // Nobody stands in the line: served in the call itself.
            let served = try await a.post("/v1/conversations/\(first)/assign", body).expect(200)
            #expect(served["team_id"]?.string == team && served["assignee_id"]?.string == agent)
            #expect(served["waiting"] == false)
            #expect(try await a.post("/v1/conversations/\(second)/assign", body).expect(200)["waiting"] == true)
            #expect(try await ids(a, "/v1/conversations?waiting=true&team_id=\(team)") == [second])
            #expect(try await ids(a, "/v1/conversations?assignee_id=none") == [second])
            #expect(try await ids(a, "/v1/conversations?assignee_id=\(agent)") == [first])
            try await a.post("/v1/conversations/\(first)/close", [:]).expect(200)
            #expect(try await eventually { try await one(second)["assignee_id"]?.string == agent })
            #expect(try await one(second)["waiting"] == false)
            let log = try await a.get("/v1/conversations/\(second)/assignments").expect(200).items
            let shown = try await a.get("/v1/assignments/\(try #require(log.last).id)").expect(200)
            #expect(shown["via"] == "line" && shown["source"] == "api" && shown["strategy"] == "least_open")
            #expect(shown["decision"]?["candidates"]?.array?.count == 1)
            let types = try await a.get("/v1/conversations/\(second)/events").expect(200).items
                .compactMap { $0["type"]?.string }
            #expect(types.suffix(2) == ["conversation.waiting", "conversation.assigned"])
        }
    }

    /// S22: a call does not wait for a line that somebody is serving; who asked stands in it.
    @Test(.timeLimit(.minutes(15))) func assigningByStrategyInABusyLine() async throws {
        try await withAPI(worker: false) { api in
            let team = try await api.a.team("Cards", [try await api.a.agent()])
            let body: JSON = ["team_id": .string(team), "strategy": "least_open"]
            let conversation = try await api.a.conversation()
            // Who waited for it would wait until its own time-out.
            try await api.store.whileHolding("SELECT id FROM lines WHERE id = '\(team)' FOR NO KEY UPDATE") {
                let path = "/v1/conversations/\(conversation)/assign"
                let answer = try await api.a.owner.post(path, body).expect(200)
                #expect(answer["waiting"] == true && answer["assignee_id"] == .null)
            }
        }
    }

    /// S22 under contention: calls and the line's server share one line; limits and the order of the turns hold.
    @Test(.timeLimit(.minutes(15))) func assigningByStrategyAtOnce() async throws {
        try await withAPI { api in
            let a = api.a.owner
            var agents: [String] = []
            for name in ["Ana", "Bea", "Cleo"] { agents.append(try await api.a.agent(name, maxOpen: 3)) }
            let team = try await api.a.team("Cards", agents)
            var conversations: [String] = []
            for _ in 0..<12 { conversations.append(try await api.a.conversation()) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for conversation in conversations {
                    group.addTask {
                        let body: JSON = ["team_id": .string(team), "strategy": "round_robin"]
                        try await a.post("/v1/conversations/\(conversation)/assign", body).expect(200)
                    }
                }
                try await group.waitForAll()
            }
            #expect(
                try await eventually {
                    try await ids(a, "/v1/conversations?waiting=true&team_id=\(team)").count == 3
                })
            for agent in agents {
                #expect(try await ids(a, "/v1/conversations?assignee_id=\(agent)").count == 3)
            }
        }
    }

    /// S29: the note is demanded of agents, not of programs. S1: who acts is named.
    @Test func closingNotes() async throws {
        try await withAPI(worker: false) { api in
            let agent = try await api.a.agent("Ana")
            let acting = api.a.acting(agent)
            try await api.a.owner.post("/v1/closing-categories", ["name": "Fraud"]).expect(201)
            let note: JSON = ["category": "Fraud", "summary": "Blocked the card"]
            let policies: [(String, [JSON], [JSON])] = [
                ("off", [], [[:]]), ("optional", [["category": "nonesuch"]], [[:]]),
                ("category", [[:], ["summary": "x"]], [["category": "fraud"]]),
                ("category_and_summary", [[:], ["category": "Fraud"], ["summary": "x"]], [note]),
            ]
            for (policy, refused, accepted) in policies {
                try await api.operators.patch("/v1/workspaces/\(api.a.id)", ["closing_note": .string(policy)]).expect(
                    200)
                for body in refused + accepted {
                    let path = "/v1/conversations/\(try await api.a.conversation())"
                    let answer = try await acting.post("\(path)/close", body)
                    if accepted.contains(body) {
                        try answer.expect(200)
                        let last = try await api.a.owner.get("\(path)/events?order=desc&limit=1").expect(200).items[0]
                        #expect(last["source"] == "agent" && last["actor"]?["id"]?.string == agent)
                    } else {
                        #expect(answer.status == 422 && answer.problem == "validation-failed", "\(policy) \(body)")
                        #expect(try await api.a.owner.get(path).expect(200)["status"] == "open")
                    }
                }
                try await api.a.owner.post("/v1/conversations/\(try await api.a.conversation())/close").expect(200)
            }
            for id in [UUID().lowercased, "me"] {
                try await api.a.acting(id).get("/v1/agents")
                    .refused(422, "unknown-actor", ["X-Agent-Id unknown-reference"])
            }
            try await api.a.owner.delete("/v1/agents/\(agent)").expect(204)
            try await acting.get("/v1/agents").refused(422, "unknown-actor", ["X-Agent-Id unknown-reference"])
            // Nobody but a workspace's key speaks for its agents, and workspaces are managed for nobody.
            let (present, path) = (try await api.a.agent(), "/v1/workspaces/\(api.a.id)")
            try await api.a.acting(present).get("/v1/status").expect(200)
            for id in [present, "me"] {
                let operators = api.operators.with("X-Agent-Id", id)
                try await operators.get("/v1/status")
                    .refused(422, "unknown-actor", ["X-Agent-Id unknown-reference"])
                try await operators.get(path).expect(200)
                try await api.a.inbound.with("X-Agent-Id", id)
                    .post("/v1/channels/\(api.a.channel)/inbound", ["events": [Tenant.event("eva")]])
                    .refused(422, "unknown-actor", ["X-Agent-Id unknown-reference"])
            }
        }
    }

    /// S7, S8 and S4: in the order of the call, a redelivery is the first answer again, a closed one opens the next.
    @Test(.timeLimit(.minutes(15))) func inboundAnswers() async throws {
        try await withAPI { api in
            let a = api.a.owner
            let team = try await api.a.team("Cards", [try await api.a.agent()])
            let workflow = try await api.a.workflow([Tenant.assign(team)])
            try await a.post("/v1/workflows/\(workflow)/publish").expect(200)
            // Does not match: a candidate that never becomes a run, and is never listed.
            let other = try await a.post(
                "/v1/workflows",
                Tenant.definition([["id": "a", "type": "end"]]).adding(
                    "trigger",
                    [
                        "type": "conversation_opened",
                        "conditions": ["field": "message.text", "operator": "contains", "value": "loan"],
                    ])
            ).expect(201).id
            try await a.post("/v1/workflows/\(other)/publish").expect(200)
            let events = [
                Tenant.event("eva", "one", id: "m1"), Tenant.event("eva", "two", id: "m2"),
                Tenant.event("ben", "three", id: "m3"), Tenant.event("eva", "again", id: "m1"),
            ]
            let first = try await api.a.receive(events)
            #expect(first.map { $0["status"]?.string } == ["accepted", "accepted", "accepted", "duplicate"])
            #expect(first.map { $0["opened"]?.bool } == [true, false, true, true])
            let again = try await api.a.receive(events)
            #expect(again.map { $0["status"]?.string } == Array(repeating: "duplicate", count: 4))
            #expect(again.map { $0["conversation_id"] } == first.map { $0["conversation_id"] })
            #expect(again.map { $0["opened"] } == first.map { $0["opened"] })
            let conversation = try #require(first[0]["conversation_id"]?.string)
            #expect(try await eventually { try await a.get("/v1/runs").expect(200).items.count == 2 })
            let runs = try await a.get("/v1/runs").expect(200).items
            #expect(runs.allSatisfy { $0["workflow_id"]?.string == workflow })
            #expect(try await a.get("/v1/runs?workflow_id=\(other)").expect(200).items == [])
            let messages = try await a.get("/v1/conversations/\(conversation)/messages").expect(200).items
            #expect(messages.map { $0["text"]?.string } == ["one", "two"])
            try await a.post("/v1/conversations/\(conversation)/close", [:]).expect(200)
            let late = try await api.a.receive([Tenant.event("eva", "one", id: "m1"), Tenant.event("eva", id: "m4")])
            #expect(late[0]["conversation_id"]?.string == conversation && late[0]["status"] == "duplicate")
            #expect(late[1]["conversation_id"]?.string != conversation && late[1]["opened"] == true)
            let contact = try #require(
                try await a.get("/v1/conversations/\(conversation)").expect(200)["contact_id"]?.string)
            try await a.patch("/v1/contacts/\(contact)", ["blocked": true]).expect(200)
            let blocked = try await api.a.receive([Tenant.event("eva", id: "m5")])[0]
            #expect(
                blocked["status"] == "accepted" && blocked["conversation_id"] == .null && blocked["opened"] == false)
        }
    }
}
