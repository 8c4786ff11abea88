import API
import Core
import Foundation
import HTTPTypes
import Reports
import Store
import TestKit
import Testing

@Suite struct OperationsTests {
    /// openapi.yaml and the route table are one list: method, path and id, both ways.
    @Test func documentIsTheRouteTable() async throws {
        try await withAPI(worker: false) { api in
            let declared = Set(try await APIContract.shared.operations())
            let served = Set(
                api.routes.map {
                    APIContract.Operation(method: $0.method.rawValue, path: $0.path, id: $0.operationID)
                })
            #expect(declared.subtracting(served) == [])
            #expect(served.subtracting(declared) == [])
        }
    }

    /// Every operation once with a 2xx, and what every resource is made of: names fixed by the design come first, nothing
    /// comes or goes unnoticed.
    @Test(.timeLimit(.minutes(15))) func everyOperationAnswers() async throws {
        var names: Set<String> = []
        let operations = try await withAPI { api in
            names = Set(api.routes.map(\.operationID))
            try await workspaces(api)
            try await keys(api)
            let (team, agent) = try await people(api)
            try await channels(api)
            let contact = try await contacts(api)
            try await categories(api)
            try await workflows(api, team)
            try await conversations(api, contact, team: team, agent: agent)
            try await reports(api)
            try await service(api)
            #expect(try await violations(api) == [])
        }
        let answered = Set(operations.filter { (200..<300).contains($0.status) }.map(\.id))
        #expect(names.subtracting(answered) == [])
    }

    private func violations(_ api: Fixture) async throws -> [String] {
        try await Scenario(
            store: api.store, workspace: try #require(UUID(uuidString: api.a.id)),
            channel: try #require(UUID(uuidString: api.a.channel))
        ).violations()
    }

    private let stamps = ["created_at", "updated_at"]

    private func workspaces(_ api: Fixture) async throws {
        let path = "/v1/workspaces/\(api.a.id)"
        let one = try await api.operators.get(path).expect(200)
        #expect(one.names == ["id", "name", "time_zone", "closing_note", "require_if_match", "rate_limit"] + stamps)
        #expect(one["time_zone"] == "Europe/Madrid")
        let made = try await api.operators.post("/v1/workspaces", ["name": "Other", "time_zone": "UTC"])
        #expect(made.headers["Location"] == "/v1/workspaces/\(try made.expect(201).id)")
        #expect(made.json.names == one.names + ["key"])
        #expect(try await api.operators.get("/v1/workspaces?limit=1").expect(200).items.count == 1)
        let changed = try await api.operators.patch(path, ["closing_note": "category"]).expect(200)
        #expect(changed["closing_note"] == "category")
        try await api.operators.patch(path, ["closing_note": "optional"]).expect(200)
    }

    private func keys(_ api: Fixture) async throws {
        let made = try await api.a.owner.post(
            "/v1/api-keys", ["name": "Export", "role": "viewer", "expires_at": "2099-01-01T00:00:00Z"])
        let names = [
            "id", "name", "role", "scopes", "allowed_addresses", "created_at", "expires_at", "last_used_at",
            "previous_valid_until", "revoked_at",
        ]
        #expect(try made.expect(201).names == names + ["key"])
        let path = try #require(made.headers["Location"])
        let kept = try await api.a.owner.get(path).expect(200)
        #expect(kept.names == names)
        #expect(kept["revoked_at"] == .null)
        #expect(
            try await api.a.owner.patch(path, ["scopes": ["reports:read"]]).expect(200)["scopes"] == ["reports:read"])
        #expect(try await api.a.owner.post("\(path)/rotate").expect(200).names == names + ["key"])
        try await api.a.owner.delete(path).expect(204)
        let recovery = try await api.operators.post("/v1/workspaces/\(api.a.id)/keys", ["name": "Recovery"])
        #expect(try recovery.expect(201)["role"] == "owner")
        try await api.operators.post("/v1/workspaces/\(UUID().lowercased)/keys", ["name": "x"]).refused(
            404, "not-found")
        let entries = try await api.a.client("manager").get("/v1/audit-log").expect(200).items
        #expect(
            entries.first?.names == [
                "id", "occurred_at", "actor", "address", "request_id", "action", "target", "before", "after",
            ])
        let listed = try await api.a.owner.get("/v1/api-keys").expect(200).items.dropLast()
        #expect(listed.count == 5)
        #expect(listed.last?["revoked_at"]?.string != nil)
    }

    private func people(_ api: Fixture) async throws -> (team: String, agent: String) {
        let a = api.a.owner
        let made = try await a.post(
            "/v1/agents", ["name": "Ana", "email": "ana@example.com", "role": "agent", "max_open": 5])
        let agent = try made.expect(201).id
        #expect(made.headers["Location"] == "/v1/agents/\(agent)")
        #expect(
            made.json.names == [
                "id", "name", "email", "role", "presence", "presence_changed_at", "max_open", "open_count",
            ] + stamps)
        #expect(made.json["presence"] == "offline")
        #expect(made.json["open_count"] == 0)
        let online = try await api.a.client("agent").put("/v1/agents/\(agent)/presence", ["presence": "online"])
        #expect(try online.expect(200)["presence"] == "online")
        #expect(try await a.patch("/v1/agents/\(agent)", ["max_open": .null]).expect(200)["max_open"] == .null)
        #expect(try await a.get("/v1/agents/\(agent)").expect(200)["name"] == "Ana")
        let team = try await a.post("/v1/teams", ["name": "Cards"]).expect(201)
        #expect(team.names == ["id", "name", "member_count"] + stamps)
        let path = "/v1/teams/\(try team.id)"
        try await a.put("\(path)/members/\(agent)").expect(200)
        #expect(try await a.get(path).expect(200)["member_count"] == 1)
        #expect(try await a.get("\(path)/members").expect(200).items.map { try $0.id } == [agent])
        let filters = "presence=online&email=ANA@example.com&team_id=\(try team.id)"
        #expect(try await a.get("/v1/agents?\(filters)").expect(200).items.map { try $0.id } == [agent])
        #expect(try await a.patch(path, ["name": "Card questions"]).expect(200)["name"] == "Card questions")
        #expect(try await a.get("/v1/teams").expect(200).items.count == 1)
        let other = try await api.a.agent("Short-lived")
        try await a.put("\(path)/members/\(other)").expect(200)
        try await a.delete("\(path)/members/\(other)").expect(204)
        try await a.delete("/v1/agents/\(other)").expect(204)
        try await a.delete("/v1/teams/\(try await api.a.team())").expect(204)
        return (try team.id, agent)
    }

    private func channels(_ api: Fixture) async throws {
        let a = api.a.owner
        let body: JSON = ["name": "Shop", "kind": "custom", "url": "https://example.com/out"]
        let made = try await a.post("/v1/channels", body).expect(201)
        #expect(made.names == ["id", "name", "kind", "url"] + stamps + ["token"])
        let path = "/v1/channels/\(try made.id)"
        let rotated = try await a.post("\(path)/token").expect(200)
        #expect(rotated["token"] != made["token"])
        #expect(try await a.patch(path, ["url": .null]).expect(200)["url"] == .null)
        #expect(try await a.get(path).expect(200)["token"] == nil)
        #expect(try await a.get("/v1/channels").expect(200).items.count == 2)
        try await a.delete(path).expect(204)
    }

    private func contacts(_ api: Fixture) async throws -> String {
        let a = api.a.owner
        let field = try await a.post("/v1/contact-fields", ["name": "plan", "type": "list"]).expect(201)
        #expect(field.names == ["name", "type", "description"] + stamps)
        try await a.patch("/v1/contact-fields/plan", ["description": "What they pay for"]).expect(200)
        #expect(try await a.get("/v1/contact-fields/plan").expect(200)["type"] == "list")
        #expect(try await a.get("/v1/contact-fields").expect(200).items.count == 1)
        let made = try await a.post(
            "/v1/contacts",
            [
                "name": "Eva", "email": "eva@example.com", "phone": "+34600111222", "language": "es",
                "tags": ["vip"], "fields": ["plan": ["gold"]],
                "identities": [["channel_id": .string(api.a.channel), "external_id": "eva"]],
            ])
        let contact = try made.expect(201).id
        #expect(
            made.json.names == [
                "id", "name", "email", "phone", "language", "tags", "fields", "blocked", "identities",
                "last_assignee_id",
            ] + stamps)
        let path = "/v1/contacts/\(contact)"
        #expect(made.headers["Location"] == path)
        let patched = try await a.patch(path, ["language": "pt-BR", "fields": ["city": "Porto"]]).expect(200)
        #expect(patched["fields"]?["plan"] == ["gold"] && patched["fields"]?["city"] == "Porto")
        #expect(try await a.put("\(path)/tags/very%20rare").expect(200)["tags"] == ["vip", "very rare"])
        #expect(try await a.delete("\(path)/tags/vip").expect(200)["tags"] == ["very rare"])
        let identity: JSON = ["channel_id": .string(api.a.channel), "external_id": "eva/2"]
        #expect(try await a.put("\(path)/identities", identity).expect(200)["identities"]?.array?.count == 2)
        let query = "channel_id=\(api.a.channel)&external_id=eva%2F2"
        for filter in [query, "email=EVA@example.com", "phone=%2B34600111222"] {
            #expect(try await a.get("/v1/contacts?\(filter)").expect(200).items.map { try $0.id } == [contact])
        }
        #expect(try await a.delete("\(path)/identities?\(query)").expect(200)["identities"]?.array?.count == 1)
        #expect(try await a.get(path).expect(200)["name"] == "Eva")
        try await a.delete("/v1/contact-fields/plan").expect(204)
        let other = try await a.post("/v1/contacts", [:]).expect(201).id
        try await a.delete("/v1/contacts/\(other)").expect(204)
        try await a.get("/v1/contacts/\(other)").refused(404, "not-found")
        return contact
    }

    private func categories(_ api: Fixture) async throws {
        let a = api.a.owner
        let made = try await a.post("/v1/closing-categories", ["name": "Card"]).expect(201)
        #expect(made.names == ["id", "name"] + stamps)
        let path = "/v1/closing-categories/\(try made.id)"
        try await a.patch(path, ["name": "Card arrival"]).expect(200)
        #expect(try await a.get(path).expect(200)["name"] == "Card arrival")
        let other = try await a.post("/v1/closing-categories", ["name": "Spam"]).expect(201).id
        #expect(try await a.get("/v1/closing-categories").expect(200).items.contains { $0["id"]?.string == other })
        try await a.delete("/v1/closing-categories/\(other)").expect(204)
    }

    private func workflows(_ api: Fixture, _ team: String) async throws {
        let a = api.a.owner
        let made = try await a.post(
            "/v1/workflows",
            Tenant.definition(
                [
                    ["id": "note", "type": "update_contact_field", "field": "topic", "value": "cards", "next": "a"],
                    Tenant.assign(team),
                ], start: "note", name: "Inbound"))
        let path = try #require(made.headers["Location"])
        #expect(
            try made.expect(201).names == [
                "id", "name", "description", "status", "version", "changed", "trigger", "start", "steps",
            ] + stamps)
        #expect(made.json["status"] == "draft")
        #expect(made.json["version"] == .null)
        let live = try await a.post("\(path)/publish").expect(200)
        #expect(live["status"] == "published" && live["version"] == 1 && live["changed"] == false)
        let renamed = try await a.patch(path, ["description": "Everything"]).expect(200)
        #expect(renamed["changed"] == false, "name and description are not part of a version")
        let changed = try await a.patch(path, ["trigger": ["conditions": .null]]).expect(200)
        #expect(changed["changed"] == true && changed["version"] == 1)
        #expect(try await a.post("\(path)/publish", [:]).expect(200)["version"] == 2)
        #expect(try await a.get(path).expect(200)["name"] == "Inbound")
        let versions = try await a.get("\(path)/versions").expect(200).items
        #expect(versions.map { $0["version"]?.int } == [2, 1])
        #expect(
            try await a.get("\(path)/versions/1").expect(200).names == [
                "version", "published_at", "trigger", "start", "steps",
            ])
        let other = try await api.a.workflow([["id": "a", "type": "end"]])
        try await a.post("/v1/workflows/\(other)/publish").expect(200)
        try await a.delete("/v1/workflows/\(other)").refused(409, "workflow-published")
        try await a.post("/v1/workflows/\(other)/stop", ["runs": "end"]).expect(200)
        #expect(try await a.get("/v1/workflows?status=stopped").expect(200).items.count == 1)
        try await a.delete("/v1/workflows/\(other)").expect(204)
    }

    private func conversations(_ api: Fixture, _ contact: String, team: String, agent: String) async throws {
        let a = api.a.owner
        // By hand first: source `api` starts the workflow too, whose trigger asks for nothing any more.
        let made = try await a.post(
            "/v1/conversations",
            [
                "contact_id": .string(contact), "channel_id": .string(api.a.channel), "subject": "Card",
                "custom": ["order": 1], "priority": "high",
            ])
        let id = try made.expect(201).id
        let path = "/v1/conversations/\(id)"
        #expect(made.headers["Location"] == path)
        #expect(
            made.json.names == [
                "id", "contact_id", "channel_id", "status", "source", "team_id", "assignee_id", "waiting", "priority",
                "subject", "custom", "opened_at", "assigned_at", "first_reply_at", "closed_at", "category", "summary",
                "updated_at",
            ])
        #expect(made.json["source"] == "api" && made.json["status"] == "open")
        #expect(try await eventually { try await a.get(path).expect(200)["assignee_id"] == .string(agent) })
        let patched = try await a.patch(path, ["priority": "urgent", "custom": ["order": .null, "x": [1]]]).expect(200)
        #expect(patched["custom"] == ["x": [1]] && patched["priority"] == "urgent")
        #expect(try await a.post("\(path)/assign", ["agent_id": .null]).expect(200)["team_id"] == .string(team))
        let message = try await api.a.acting(agent).post("\(path)/messages", ["text": "Hello Eva"]).expect(201)
        #expect(
            message.names == [
                "id", "conversation_id", "contact_id", "channel_id", "direction", "source", "agent_id", "run_id",
                "text", "status", "error", "sent_at", "created_at",
            ])
        #expect(message["source"] == "agent" && message["agent_id"] == .string(agent))
        let comment = try await a.post("\(path)/comments", ["text": "Knows us"]).expect(201)
        #expect(
            comment.names == ["id", "conversation_id", "source", "agent_id", "run_id", "text", "created_at"])
        #expect(try await a.get("\(path)/messages").expect(200).items.count == 1)
        #expect(try await a.get("\(path)/comments?order=desc").expect(200).items.count == 1)
        let closed = try await a.post("\(path)/close", ["category": "Card arrival", "summary": "Told"]).expect(200)
        #expect(closed["status"] == "closed" && closed["category"] == "Card arrival" && closed["summary"] == "Told")
        try await timeline(a, path)
        try await assignments(a, path, agent: agent)
        try await runs(a, id, contact)
        let received = try await api.a.receive([Tenant.event("eva", "Another question", id: "m-1")])
        #expect(received[0].names == ["message_id", "status", "conversation_id", "opened"])
        #expect(received[0]["opened"] == true)
        let next = try #require(received[0]["conversation_id"]?.string)
        let query = "status=open&contact_id=\(contact)&channel_id=\(api.a.channel)&source=contact"
        #expect(try await a.get("/v1/conversations?\(query)").expect(200).items.map { try $0.id } == [next])
        let window = "closed_from=2020-01-01T00:00:00Z&closed_to=2099-01-01T00:00:00Z&order=asc"
        #expect(try await a.get("/v1/conversations?\(window)").expect(200).items.map { try $0.id } == [id])
        try await a.delete(path).expect(204)
        try await a.get(path).refused(404, "not-found")
    }

    /// Gap-free, never back in time, and everything that happened.
    private func timeline(_ a: APIClient, _ path: String) async throws {
        let events = try await a.get("\(path)/events").expect(200).items
        #expect(
            events.allSatisfy {
                $0.names == ["id", "type", "sequence", "occurred_at", "conversation_id", "source", "actor", "data"]
            })
        #expect(events.map { $0["sequence"]?.int } == Array(1...max(events.count, 1)))
        let times = events.compactMap { $0["occurred_at"]?.string.flatMap(Timestamp.parse) }
        #expect(times == times.sorted() && times.count == events.count)
        let types = Set(events.compactMap { $0["type"]?.string })
        #expect(
            types.isSuperset(of: [
                "conversation.opened", "run.started", "conversation.assigned", "run.ended",
                "conversation.priority_changed", "conversation.unassigned", "message.sent", "conversation.closed",
            ]), "\(types)")
        #expect(events.first?["type"] == "conversation.opened")
        let backwards = try await a.get("\(path)/events?order=desc&limit=2").expect(200)
        #expect(backwards.items.map { $0["sequence"]?.int } == [events.count, events.count - 1])
    }

    private func assignments(_ a: APIClient, _ path: String, agent: String) async throws {
        let list = try await a.get("\(path)/assignments").expect(200).items
        #expect(list.map { $0["kind"]?.string }.suffix(2) == ["assignment", "unassignment"])
        let served = try #require(list.first { $0["kind"] == "assignment" })
        let one = try await a.get("/v1/assignments/\(try served.id)").expect(200)
        #expect(
            one.names == [
                "id", "conversation_id", "kind", "occurred_at", "source", "actor", "via", "strategy", "agent_id",
                "agent_name", "previous_agent_id", "previous_agent_name", "team_id", "team_name", "run_id",
                "entered_at", "queued_at", "decision_id", "position", "decision",
            ])
        #expect(one["via"] == "line" && one["source"] == "workflow")
        let candidates = one["decision"]?["candidates"]?.array ?? []
        #expect(candidates.map { $0["agent_id"]?.string } == [agent])
    }

    private func runs(_ a: APIClient, _ conversation: String, _ contact: String) async throws {
        let list = try await a.get("/v1/runs?conversation_id=\(conversation)").expect(200).items
        #expect(list.count == 1)
        let run = try #require(list.first)
        let names = [
            "id", "workflow_id", "workflow_version", "contact_id", "conversation_id", "status", "reason", "step",
            "started_at", "ended_at",
        ]
        #expect(run.names == names)
        let one = try await a.get("/v1/runs/\(try run.id)").expect(200)
        #expect(one.names == names + ["log"])
        #expect(one["log"]?.array?.isEmpty == false)
        let workflow = try #require(run["workflow_id"]?.string)
        let query = "workflow_id=\(workflow)&contact_id=\(contact)&status=completed"
        #expect(try await a.get("/v1/runs?\(query)").expect(200).items.map { try $0.id } == [try run.id])
    }

    private func reports(_ api: Fixture) async throws {
        let a = api.a.owner
        let days = "from=2026-01-01&to=2026-02-01"
        for report in ["conversations", "assignments"] {
            let shown = try await a.get("/v1/reports/\(report)?\(days)&group_by=team&time_zone=America/New_York")
            try shown.expect(200)
            #expect(shown.headers["Content-Type"] == "application/json")
            let text = try await a.with("Accept", "text/csv").get("/v1/reports/\(report)?\(days)")
            try text.expect(200)
            #expect(text.headers["Content-Type"]?.hasPrefix("text/csv") == true)
        }
        // The nights since the workspace was made are caught up with.
        try await api.store.execute("UPDATE workspaces SET created_at = created_at - interval '3 days'")
        let scheduler = Scheduler(
            store: api.store, jobs: try JobLibrary(directory: ProjectRoot.url.appending(path: "jobs")),
            runner: ReportRunner(store: api.store), logger: TestDatabase.silentLogger)
        _ = try await scheduler.runOnce()
        let done = try await a.get("/v1/job-runs?job=conversations&status=completed").expect(200).items
        let path = "/v1/job-runs/\(try #require(done.first).id)"
        #expect(try await a.get(path).expect(200)["status"] == "completed")
        #expect(try await a.get("\(path)/result").expect(200)["job"] == "conversations")
        let pending = UUIDv7.make(at: Date())
        try await api.store.execute(
            """
            INSERT INTO job_runs (workspace_id, id, job, window_from, window_to, time_zone, scheduled, status)
            VALUES ($1, $2, 'conversations', '2026-11-01', '2026-11-02', 'UTC', false, 'pending')
            """, [try #require(UUID(uuidString: api.a.id)), pending])
        try await a.get("/v1/job-runs/\(pending.lowercased)/result").refused(409, "job-running")
    }

    private func service(_ api: Fixture) async throws {
        #expect(try await api.anonymous.get("/healthz").expect(200)["status"] == "ok")
        #expect(try await api.operators.get("/v1/status").expect(200)["scope"] == "system")
        #expect(try await api.anonymous.get("/readyz").expect(200)["status"] == "ready")
        let document = try await api.anonymous.get("/openapi.yaml")
        try document.expect(200)
        #expect(document.headers["Content-Type"] == "application/yaml")
        #expect(document.text.hasPrefix("#") || document.text.hasPrefix("openapi:"))
        let json = try await api.anonymous.get("/openapi.json").expect(200)
        #expect(json["openapi"] == "3.1.0")
        #expect(json["paths"]?.object?.count == Set(api.routes.map(\.path)).count)
        let page = try await api.anonymous.get("/docs")
        try page.expect(200)
        #expect(page.headers["Content-Type"] == "text/html; charset=utf-8")
        for route in api.routes { #expect(page.text.contains("id=\"\(route.operationID)\"")) }
        // Every kind of problem explains itself.
        let kinds = try await api.anonymous.get("/problems").expect(200).items
        #expect(kinds.count == ProblemType.all.count)
        for kind in kinds {
            #expect(try await api.anonymous.get(try #require(kind["type"]?.string)).expect(200) == kind)
        }
        try await api.anonymous.get("/problems/none").refused(404, "not-found")
    }
}
