import API
import Core
import Foundation
import HTTPTypes
import Store
import TestKit
import Testing

/// Who may call what, and that one workspace is not there for another.
@Suite struct TenancyTests {
    /// A key of A against everything of B: 404, as if it were not there, and nothing of B changes.
    @Test func anotherWorkspacesIdsAreNotThere() async throws {
        try await withAPI { api in
            let b = try await api.tenant("B")
            let ids = try await everything(b, api)
            let (before, beforeA) = (try await api.fingerprint(b), try await api.fingerprint(api.a))
            var checked = 0
            for route in api.routes where route.path.contains("{") && !exempt.contains(route.operationID) {
                guard case .requires(let permission) = route.access, permission != .operate else { continue }
                let path = substituted(route.path, ids) + (queries[route.operationID] ?? "")
                let body = bodies[route.operationID]
                try await api.a.owner.send(route.method.rawValue, path, body)
                    .refused(404, "not-found", [], "\(route.operationID) \(path)")
                checked += 1
            }
            #expect(checked > 40, "only \(checked) operations with an id")
            let team = try #require(ids["team_id"])
            let agent = try await api.a.agent()
            try await api.a.owner.put("/v1/teams/\(team)/members/\(agent)").refused(404, "not-found")
            try await api.a.owner.put("/v1/teams/\(try await api.a.team())/members/\(try #require(ids["agent_id"]))")
                .refused(404, "not-found")
            #expect(try await api.fingerprint(b) == before)
            #expect(try await api.fingerprint(api.a) != beforeA)
            try await referencesToAnotherWorkspace(api, ids)
            #expect(try await api.fingerprint(b) == before)
        }
    }

    /// In bodies and filters, too, what is B's does not exist.
    private func referencesToAnotherWorkspace(_ api: Fixture, _ ids: [String: String]) async throws {
        let a = api.a.owner
        let conversation = try await api.a.conversation()
        let contact = try #require(
            try await a.get("/v1/conversations/\(conversation)").expect(200)["contact_id"]?.string)
        func b(_ name: String) throws -> JSON { .string(try #require(ids[name])) }
        let cases: [(String, String, JSON, [String])] = [
            (
                "POST", "/v1/conversations/\(conversation)/assign", ["agent_id": try b("agent_id")],
                ["/agent_id unknown-reference"]
            ),
            (
                "POST", "/v1/conversations/\(conversation)/assign", ["team_id": try b("team_id")],
                ["/team_id unknown-reference"]
            ),
            (
                "POST", "/v1/conversations/\(conversation)/assign",
                ["team_id": try b("team_id"), "strategy": "round_robin"], ["/team_id unknown-reference"]
            ),
            ("POST", "/v1/conversations", ["contact_id": try b("contact_id")], ["/contact_id unknown-reference"]),
            (
                "PUT", "/v1/contacts/\(contact)/identities",
                ["channel_id": try b("channel_id"), "external_id": "b"], ["/channel_id unknown-reference"]
            ),
            (
                "POST", "/v1/workflows", Tenant.definition([Tenant.assign(try #require(ids["team_id"]))]),
                ["/steps/0/target/team_id unknown-team"]
            ),
        ]
        for (method, path, body, mistakes) in cases {
            try await a.send(method, path, body).refused(422, "validation-failed", mistakes, "\(method) \(path)")
        }
        try await api.a.acting(try #require(ids["agent_id"])).post(
            "/v1/conversations/\(conversation)/messages", ["text": "x"]
        )
        .refused(422, "unknown-actor", ["X-Agent-Id unknown-reference"])
        for filter in ["team_id", "channel_id", "contact_id"] {
            let path = "/v1/conversations?\(filter)=\(try #require(ids[filter]))"
            #expect(try await a.get(path).expect(200).items == [], "\(path)")
        }
    }

    /// Names, not ids: A has those of its own.
    private let exempt: Set<String> = ["getReport"]

    private func substituted(_ template: String, _ ids: [String: String]) -> String {
        ids.reduce(template) { $0.replacing("{\($1.key)}", with: $1.value) }
    }

    /// Bodies that would be accepted, so that nothing but the id is wrong.
    private let bodies: [String: JSON] = [
        "updateAgent": ["name": "stolen"], "setPresence": ["presence": "away"], "updateTeam": ["name": "stolen"],
        "updateChannel": ["name": "stolen"], "receiveInbound": ["events": [Tenant.event("x")]],
        "updateContactField": ["description": "stolen"], "updateContact": ["name": "stolen"],
        "addContactIdentity": ["channel_id": .string(UUID().lowercased), "external_id": "x"],
        "updateClosingCategory": ["name": "stolen"], "updateConversation": ["priority": "urgent"],
        "assignConversation": ["agent_id": .null], "closeConversation": [:], "sendMessage": ["text": "x"],
        "updateAPIKey": ["name": "stolen"], "rotateAPIKey": [:], "addComment": ["text": "x"],
        "updateWorkflow": ["name": "stolen"], "publishWorkflow": [:], "stopWorkflow": [:],
    ]

    private let queries = ["removeContactIdentity": "?channel_id=\(UUID().lowercased)&external_id=x"]

    /// One of each resource, alive.
    private func everything(_ b: Tenant, _ api: Fixture) async throws -> [String: String] {
        let agent = try await b.agent()
        let team = try await b.team("B", [agent])
        let workflow = try await b.workflow([Tenant.assign(team)])
        try await b.owner.post("/v1/workflows/\(workflow)/publish").expect(200)
        let conversation = try await b.conversation("eva")
        let path = "/v1/conversations/\(conversation)"
        #expect(
            try await eventually {
                try await b.owner.get("/v1/runs?status=completed").expect(200).items.count == 1
            })
        let job = UUIDv7.make(at: Date())
        try await api.store.execute(
            """
            INSERT INTO job_runs (workspace_id, id, job, window_from, window_to, time_zone, scheduled, status)
            VALUES ($1, $2, 'conversations', '2026-11-01', '2026-11-02', 'UTC', false, 'pending')
            """, [try #require(UUID(uuidString: b.id)), job])
        try await b.owner.post("/v1/contact-fields", ["name": "plan"]).expect(201)
        let contact = try #require(try await b.owner.get(path).expect(200)["contact_id"]?.string)
        try await b.owner.put("/v1/contacts/\(contact)/tags/vip").expect(200)
        return [
            "agent_id": agent, "team_id": team, "workflow_id": workflow, "conversation_id": conversation,
            "contact_id": contact, "channel_id": b.channel, "job_run_id": job.lowercased, "name": "plan",
            "tag": "vip", "version": "1",
            "run_id": try await b.owner.get("/v1/runs").expect(200).items[0].id,
            "assignment_id": try await b.owner.get("\(path)/assignments").expect(200).items[0].id,
            "category_id": try await b.owner.post("/v1/closing-categories", ["name": "B only"]).expect(201).id,
            "key_id": try await b.owner.get("/v1/api-keys").expect(200).items[0].id,
        ]
    }

    /// Every operation: 401 without a key, 403 with a key that may not, neither with one that may.
    @Test(.timeLimit(.minutes(15))) func rolesDecide() async throws {
        try await withAPI(worker: false) { api in
            let granted: [Permission: Set<String>] = [
                .operate: ["operator"], .own: ["owner"], .manage: ["owner", "manager"],
                .work: ["owner", "manager", "agent"], .receive: ["owner", "manager", "agent"],
                .read: ["owner", "manager", "agent", "viewer"],
                .observe: ["operator", "owner", "manager", "agent", "viewer"],
            ]
            let keys = api.a.keys.merging(["operator": try #require(api.operators.key)]) { first, _ in first }
            let nobody = UUID().lowercased
            for route in api.routes {
                let path = route.path.split(separator: "/").map { $0.hasPrefix("{") ? nobody : String($0) }
                    .joined(separator: "/")
                let client = api.anonymous
                guard case .requires(let permission) = route.access else { continue }
                let without = try await client.send(route.method.rawValue, "/\(path)")
                without.refused(401, "unauthenticated", [], route.operationID)
                #expect(without.headers["WWW-Authenticate"] == "Bearer realm=\"switchboard\"")
                for (role, key) in keys {
                    let answer = try await client.with(key: key).send(route.method.rawValue, "/\(path)")
                    if granted[permission]?.contains(role) == true {
                        #expect(answer.status != 401 && answer.status != 403, "\(route.operationID) as \(role)")
                        #expect(answer.status < 500, "\(route.operationID): \(answer.text)")
                    } else {
                        let isOtherKind = role == "operator" || permission == .operate
                        answer.refused(
                            403, isOtherKind ? "forbidden" : "insufficient-role", [], "\(route.operationID) as \(role)")
                    }
                }
            }
            // The channel's token posts to its channel, and that is all.
            try await api.a.inbound.get("/v1/agents").refused(403, "forbidden")
            let other = try await api.a.owner.post("/v1/channels", ["name": "Other", "kind": "custom"]).expect(201).id
            try await api.a.inbound.post("/v1/channels/\(other)/inbound", ["events": [Tenant.event("x")]])
                .refused(404, "not-found")
        }
    }

    @Test func keysEndAtOnce() async throws {
        try await withAPI(worker: false) { api in
            let a = api.a.owner
            let made = try await a.post("/v1/api-keys", ["name": "x", "role": "viewer"]).expect(201)
            let client = a.with(key: try #require(made["key"]?.string))
            try await client.get("/v1/agents").expect(200)
            try await a.delete("/v1/api-keys/\(try made.id)").expect(204)
            let challenge = "Bearer realm=\"switchboard\", error=\"invalid_token\""
            for key in [client.key, "sb_nonsense", (client.key ?? "") + "x"] {
                let answer = try await a.with(key: key).get("/v1/agents")
                answer.refused(401, "unauthenticated")
                #expect(answer.headers["WWW-Authenticate"] == challenge)
            }
            let token = try await a.post("/v1/channels/\(api.a.channel)/token").expect(200)
            let path = "/v1/channels/\(api.a.channel)/inbound"
            try await api.a.inbound.post(path, ["events": [Tenant.event("x")]]).refused(401, "unauthenticated")
            try await a.with(key: token["token"]?.string).post(path, ["events": [Tenant.event("x")]]).expect(200)
        }
    }

    /// The envelope that every answer has.
    @Test func answersCarryTheRequestsId() async throws {
        try await withAPI(worker: false) { api in
            let named = try await api.a.owner.with("X-Request-Id", "my-id-1").get("/v1/agents")
            #expect(named.headers["X-Request-Id"] == "my-id-1")
            let refused = try await api.a.owner.with("X-Request-Id", "my-id-2").get("/v1/agents/x")
            refused.refused(404, "not-found")
            #expect(refused.json["instance"] == "my-id-2")
            let odd = try await api.a.owner.with("X-Request-Id", "has space").get("/v1/agents")
            #expect(odd.headers["X-Request-Id"] != "has space" && odd.headers["X-Request-Id"]?.isEmpty == false)
            let first = try await api.a.owner.get("/v1/agents").headers["X-Request-Id"]
            #expect(try await api.a.owner.get("/v1/agents").headers["X-Request-Id"] != first)
            // Another method: 405 with what there is; OPTIONS tells the same.
            for path in Set(api.routes.map(\.path)).sorted() {
                let concrete = path.split(separator: "/").map { $0.hasPrefix("{") ? "x" : String($0) }
                    .joined(separator: "/")
                let methods = Set(api.routes.filter { $0.path == path }.map(\.method.rawValue))
                let missing = try #require(["PATCH", "DELETE", "PUT", "POST"].first { !methods.contains($0) })
                let answer = try await api.anonymous.send(missing, "/\(concrete)")
                answer.refused(405, "method-not-allowed", [], "\(missing) \(path)")
                let options = try await api.anonymous.send("OPTIONS", "/\(concrete)")
                try options.expect(204)
                #expect(options.headers["Allow"] == answer.headers["Allow"])
            }
        }
    }
}
