import API
import Core
import Foundation
import Store
import TestKit
import Testing

/// Everything that cannot be right gets its documented problem, every mistake at once, and changes nothing.
@Suite struct BadInputTests {
    private static let json = "application/json"

    @Test func bodiesThatCannotBeRead() async throws {
        try await withAPI(worker: false) { api in
            let before = try await api.fingerprint(api.a)
            let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
            let malformed: [(String, [UInt8])] = [
                ("cut off", Array(#"{"name": "a""#.utf8)), ("nothing", []),
                ("trailing", Array(#"{"name": "a"} x"#.utf8)),
                ("duplicate key", Array(#"{"name": "a", "name": "b"}"#.utf8)),
                ("duplicate key below", Array(#"{"name": "a", "x": {"y": 1, "y": 1}}"#.utf8)),
                ("escaped NUL", Array(#"{"name": "a\u0000b"}"#.utf8)),
                ("NUL", Array(#"{"name": "a"#.utf8) + [0] + Array(#"b"}"#.utf8)),
                ("invalid UTF-8", Array(#"{"name": "a"#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)),
                ("lone surrogate", Array(#"{"name": "\ud800"}"#.utf8)), ("too deep", Array(deep.utf8)),
                ("a byte order mark", [0xEF, 0xBB, 0xBF] + Array(#"{"name": "a"}"#.utf8)),
            ]
            for (what, bytes) in malformed {
                for path in ["/v1/teams", "/v1/channels/\(api.a.channel)/inbound", "/v1/workflows"] {
                    let answer = try await api.a.owner.send("POST", path, bytes: bytes, contentType: Self.json)
                    answer.refused(400, "malformed-json", [], "\(what) at \(path)")
                    #expect(answer.json["offset"]?.int != nil)
                }
            }
            let good = Array(#"{"name": "a"}"#.utf8)
            for type in [nil, "text/plain", "application/json; charset=latin1"] {
                let answer = try await api.a.owner.send("POST", "/v1/teams", bytes: good, contentType: type)
                answer.refused(415, "unsupported-media-type", [], type ?? "none")
            }
            let packed = try await api.a.owner.with("Content-Encoding", "gzip")
                .send("POST", "/v1/teams", bytes: good, contentType: Self.json)
            packed.refused(415, "unsupported-media-type")
            let patch = try await api.a.owner.send(
                "PATCH", "/v1/channels/\(api.a.channel)", bytes: good, contentType: Self.json)
            patch.refused(415, "unsupported-media-type")
            #expect(patch.headers["Accept-Patch"] == "application/merge-patch+json")
            let large = Array(#"{"name": ""#.utf8) + Array(repeating: UInt8(ascii: "a"), count: 10_000_000)
            for (path, limit) in [("/v1/teams", 1 << 20), ("/v1/channels/\(api.a.channel)/inbound", 4 << 20)] {
                let answer = try await api.a.owner.send("POST", path, bytes: large, contentType: Self.json)
                answer.refused(413, "content-too-large", [], path)
                #expect(answer.json["limit"]?.int == limit)
            }
            #expect(try await api.fingerprint(api.a) == before)
        }
    }

    @Test func fieldsThatAreWrong() async throws {
        try await withAPI(worker: false) { api in
            let a = api.a.owner
            let agent = try await api.a.agent()
            let conversation = try await api.a.conversation()
            let contact = try await a.post("/v1/contacts", ["name": "Eva"]).expect(201).id
            let before = try await api.fingerprint(api.a)
            let cases: [(String, String, JSON, [String])] = [
                ("POST", "/v1/teams", ["name": 5], ["/name wrong-type"]),
                ("POST", "/v1/teams", [], [" wrong-type"]),
                ("POST", "/v1/teams", [:], ["/name missing"]),
                ("POST", "/v1/teams", ["name": "  "], ["/name invalid-format"]),
                (
                    "POST", "/v1/teams", ["name": "x", "nmae": 1, "size": 2],
                    ["/nmae unknown-field", "/size unknown-field"]
                ),
                (
                    "POST", "/v1/agents",
                    ["name": .null, "email": "x", "max_open": -1, "presence": "busy", "role": 4, "a/b~": 1],
                    [
                        "/name wrong-type", "/email too-short", "/max_open out-of-range", "/presence not-allowed",
                        "/role wrong-type", "/a~1b~0 unknown-field",
                    ]
                ),
                (
                    "PATCH", "/v1/agents/\(agent)", ["name": .null, "max_open": 1.5],
                    ["/name wrong-type", "/max_open out-of-range"]
                ),
                ("PUT", "/v1/agents/\(agent)/presence", ["presence": "gone"], ["/presence not-allowed"]),
                (
                    "POST", "/v1/channels", ["name": "x", "kind": "fax", "url": "ftp://x.example"],
                    ["/kind not-allowed", "/url invalid-format"]
                ),
                (
                    "POST", "/v1/api-keys", ["name": "x", "role": "agent", "expires_at": "2001-01-01T00:00:00Z"],
                    ["/expires_at out-of-range"]
                ),
                (
                    "POST", "/v1/api-keys",
                    ["name": "x", "role": "agent", "scopes": [], "allowed_addresses": ["10.1.0.0/8", "x"]],
                    ["/scopes too-few", "/allowed_addresses/0 invalid-format", "/allowed_addresses/1 invalid-format"]
                ),
                (
                    "POST", "/v1/api-keys",
                    [
                        "name": "x", "role": "agent", "scopes": ["reports:read", "reports:read", "everything"],
                        "allowed_addresses": ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
                    ],
                    ["/scopes/2 not-allowed", "/allowed_addresses/1 duplicate"]
                ),
                (
                    "PATCH", "/v1/api-keys/\(UUID().lowercased)", ["role": "owner", "name": .null],
                    ["/name wrong-type", "/role unknown-field"]
                ),
                (
                    "POST", "/v1/api-keys/\(UUID().lowercased)/rotate", ["overlap": "P31D"],
                    ["/overlap out-of-range"]
                ),
                (
                    "POST", "/v1/api-keys/\(UUID().lowercased)/rotate", ["overlap": "1 day"],
                    ["/overlap invalid-format"]
                ),
                (
                    "POST", "/v1/contacts",
                    [
                        "tags": ["a", "a"], "phone": "call me", "language": "español",
                        "fields": ["Bad Name": 1], "identities": [["channel_id": .string(UUID().lowercased)]],
                    ],
                    [
                        "/tags/1 duplicate", "/phone invalid-format", "/language invalid-format",
                        "/fields/Bad Name invalid-format", "/identities/0/external_id missing",
                    ]
                ),
                (
                    "PUT", "/v1/contacts/\(contact)/identities",
                    ["channel_id": .string(UUID().lowercased), "external_id": "x"], ["/channel_id unknown-reference"]
                ),
                ("POST", "/v1/contact-fields", ["name": "Name"], ["/name invalid-format"]),
                (
                    "POST", "/v1/conversations", ["contact_id": .string(UUID().lowercased)],
                    ["/contact_id unknown-reference"]
                ),
                (
                    "POST", "/v1/conversations", ["contact_id": "x", "custom": []],
                    ["/contact_id invalid-format", "/custom wrong-type"]
                ),
                (
                    "PATCH", "/v1/conversations/\(conversation)", ["priority": "top", "status": "closed"],
                    ["/priority not-allowed", "/status unknown-field"]
                ),
                ("POST", "/v1/conversations/\(conversation)/assign", [:], ["/agent_id missing"]),
                (
                    "POST", "/v1/conversations/\(conversation)/assign", ["agent_id": .string(UUID().lowercased)],
                    ["/agent_id unknown-reference"]
                ),
                (
                    "POST", "/v1/conversations/\(conversation)/assign", ["team_id": .string(UUID().lowercased)],
                    ["/team_id unknown-reference"]
                ),
                (
                    "POST", "/v1/conversations/\(conversation)/assign",
                    ["agent_id": .string(agent), "strategy": "least_open"], ["/agent_id not-allowed"]
                ),
                (
                    "POST", "/v1/conversations/\(conversation)/assign", ["agent_id": .string(agent), "max_open": 3],
                    ["/max_open not-allowed"]
                ),
                ("POST", "/v1/conversations/\(conversation)/assign", ["strategy": "random"], ["/strategy not-allowed"]),
                ("POST", "/v1/conversations/\(conversation)/messages", ["text": " \n"], ["/text too-short"]),
                (
                    "POST", "/v1/conversations/\(conversation)/messages",
                    ["text": .string(String(repeating: "é", count: 8193))], ["/text too-long"]
                ),
                (
                    "POST", "/v1/conversations/\(conversation)/comments", ["txt": "x"],
                    ["/text missing", "/txt unknown-field"]
                ),
                (
                    "POST", "/v1/conversations/\(conversation)/close", ["category": "nonesuch"],
                    ["/category unknown-reference"]
                ),
                ("POST", "/v1/channels/\(api.a.channel)/inbound", [:], ["/events missing"]),
                ("POST", "/v1/channels/\(api.a.channel)/inbound", ["events": []], ["/events too-few"]),
                (
                    "POST", "/v1/channels/\(api.a.channel)/inbound",
                    ["events": .array((0..<101).map { Tenant.event("\($0)") })], ["/events too-many"]
                ),
            ]
            for (method, path, body, mistakes) in cases {
                try await a.send(method, path, body).refused(422, "validation-failed", mistakes, "\(method) \(path)")
            }
            let operators = api.operators
            try await operators.post("/v1/workspaces", ["name": "x", "time_zone": "CEST"])
                .refused(422, "validation-failed", ["/time_zone invalid-format"])
            try await operators.patch("/v1/workspaces/\(api.a.id)", ["closing_note": "never"])
                .refused(422, "validation-failed", ["/closing_note not-allowed"])
            #expect(try await api.fingerprint(api.a) == before)
        }
    }

    @Test func queriesThatAreWrong() async throws {
        try await withAPI(worker: false) { api in
            let a = api.a.owner
            let window = "from=2026-11-01&to=2026-11-08"
            let cases: [(String, String, [String])] = [
                ("/v1/agents?limit=0", "bad-query", ["limit out-of-range"]),
                (
                    "/v1/agents?limit=201&presence=x&foo=1", "bad-query",
                    ["foo unknown-parameter", "limit out-of-range", "presence not-allowed"]
                ),
                ("/v1/agents?limit=ten", "bad-query", ["limit wrong-type"]),
                ("/v1/agents?limit=1&limit=2", "bad-query", ["limit repeated"]),
                ("/v1/agents?cursor=abc", "bad-cursor", []),
                ("/v1/agents?email=%FF", "bad-query", ["email invalid-encoding"]),
                ("/v1/agents/\(UUID().lowercased)?x=1", "bad-query", ["x unknown-parameter"]),
                ("/v1/contacts?channel_id=\(api.a.channel)", "bad-query", ["external_id missing"]),
                (
                    "/v1/conversations?status=gone&assignee_id=me", "bad-query",
                    ["assignee_id invalid-format", "status not-allowed"]
                ),
                (
                    "/v1/conversations?opened_from=2026-02-01T00:00:00Z&opened_to=2026-01-01T00:00:00Z", "bad-query",
                    ["opened_to out-of-range"]
                ),
                (
                    "/v1/conversations?updated_since=2026-02-01T00:00:00Z&opened_from=2026-01-01T00:00:00Z&"
                        + "closed_to=2026-01-01T00:00:00Z", "bad-query",
                    ["closed_to not-allowed", "updated_since not-allowed"]
                ),
                (
                    "/v1/runs?status=odd&workflow_id=1", "bad-query",
                    ["status not-allowed", "workflow_id invalid-format"]
                ),
                ("/v1/reports/conversations", "bad-query", ["from missing", "to missing"]),
                ("/v1/reports/conversations?from=2026-11-08&to=2026-11-01", "bad-query", ["to out-of-range"]),
                ("/v1/reports/conversations?from=2026-11-01&to=2026-11-01", "bad-query", ["to out-of-range"]),
                ("/v1/reports/assignments?\(window)&time_zone=Mars/Base", "bad-query", ["time_zone unknown-time-zone"]),
                (
                    "/v1/reports/assignments?from=1.11.2026&to=2026-02-30&group_by=moon", "bad-query",
                    ["from invalid-format", "group_by not-allowed", "to invalid-format"]
                ),
            ]
            for (path, type, mistakes) in cases { try await a.get(path).refused(400, type, mistakes, path) }
            try await a.get("/v1/reports/weather?\(window)").refused(404, "not-found")
            try await a.get("/v1/job-runs?status=odd").refused(400, "bad-query", ["status not-allowed"])
            // No id at all is no id of anything.
            try await a.get("/v1/agents/none").refused(404, "not-found")
            try await a.get("/v1/nothing").refused(404, "not-found")
            try await a.get("/v1/agents/").refused(404, "not-found")
        }
    }

    @Test func inboundEventsThatAreWrong() async throws {
        try await withAPI(worker: false) { api in
            func dated(_ instant: String, id: String) -> JSON {
                Tenant.event("late", id: id).adding("sent_at", .string(instant))
            }
            let ahead = Timestamp.format(Date().addingTimeInterval(25 * 3600))
            let events: [JSON] = [
                Tenant.event("first", id: "ok-1"), dated("1970-01-01T00:00:00Z", id: "old"), dated(ahead, id: "ahead"),
                Tenant.event("x", id: "long").adding("text", .string(String(repeating: "a", count: 16_385))),
                ["type": "sticker", "message_id": "other"], 7,
                ["type": "message", "contact": ["external_id": "", "nam": 1], "text": "x", "message_id": 4],
                Tenant.event("second", id: "ok-2"), dated(Timestamp.format(Date()), id: "ok-3"),
            ]
            let results = try await api.a.receive(events)
            #expect(
                results.map { $0["status"]?.string } == [
                    "accepted", "rejected", "rejected", "rejected", "rejected", "rejected", "rejected", "accepted",
                    "accepted",
                ])
            #expect(
                results.map { $0["message_id"]?.string } == [
                    "ok-1", "old", "ahead", "long", "other", nil, nil, "ok-2", "ok-3",
                ])
            let mistakes = results.map { APIAnswer.mistakes($0["problem"]) }
            #expect(
                mistakes == [
                    [], ["/events/1/sent_at out-of-range"], ["/events/2/sent_at out-of-range"],
                    ["/events/3/text too-long"], ["/events/4/type not-allowed"], ["/events/5 wrong-type"],
                    [
                        "/events/6/contact/external_id too-short", "/events/6/contact/nam unknown-field",
                        "/events/6/message_id wrong-type",
                    ], [], [],
                ])
            let problem = try #require(results[1]["problem"])
            #expect(problem["type"] == "/problems/validation-failed" && problem["status"] == 422)
            #expect(try await api.a.owner.get("/v1/conversations").expect(200).items.count == 3)
            for client in [api.a.owner, api.a.inbound] {
                try await client.post("/v1/channels/\(UUID().lowercased)/inbound", ["events": [Tenant.event("x")]])
                    .refused(404, "not-found")
            }
            // A channel that a live workflow names stays; a deleted one takes nothing, and its token is forgotten.
            let definition = Tenant.definition([["id": "a", "type": "end"]]).adding(
                "trigger",
                [
                    "type": "conversation_opened",
                    "conditions": [
                        "field": "conversation.channel", "operator": "equals", "value": .string(api.a.channel),
                    ],
                ])
            let workflow = try await api.a.owner.post("/v1/workflows", definition).expect(201).id
            try await api.a.owner.post("/v1/workflows/\(workflow)/publish").expect(200)
            try await api.a.owner.delete("/v1/channels/\(api.a.channel)").refused(409, "channel-in-use")
            try await api.a.owner.post("/v1/workflows/\(workflow)/stop").expect(200)
            try await api.a.owner.delete("/v1/channels/\(api.a.channel)").expect(204)
            let path = "/v1/channels/\(api.a.channel)/inbound"
            try await api.a.owner.post(path, ["events": [Tenant.event("x")]]).refused(404, "not-found")
            try await api.a.inbound.post(path, ["events": [Tenant.event("x")]]).refused(401, "unauthenticated")
        }
    }

    @Test func workflowsThatAreWrong() async throws {
        try await withAPI(worker: false) { api in
            let a = api.a.owner
            let team = try await api.a.team()
            let draft = try await api.a.workflow([Tenant.assign(team)])
            let before = try await api.fingerprint(api.a)
            let nobody = UUID().lowercased
            func wait(_ id: String, _ next: JSON) -> JSON {
                ["id": .string(id), "type": "update_tags", "add": ["x"], "next": next]
            }
            func branch(_ conditions: JSON?) -> JSON {
                var one: JSON = ["name": "cards", "next": .null]
                if let conditions { one = one.adding("conditions", conditions) }
                return ["id": "a", "type": "branch", "branches": [one], "else": .null]
            }
            let cases: [(String, [JSON], [String])] = [
                ("unknown step", [["id": "a", "type": "teleport"]], ["/steps/0/type unknown-step-type"]),
                ("dangling port", [wait("a", "b")], ["/steps/0/next dangling-port"]),
                ("duplicate id", [wait("a", .null), wait("a", .null)], ["/steps/1/id duplicate-id"]),
                ("cycle", [wait("a", "b"), wait("b", "a")], ["/steps/1/next cycle-without-wait"]),
                ("no conditions", [branch(nil)], ["/steps/0/branches/0/conditions missing"]),
                ("empty conditions", [branch(["any": []])], ["/steps/0/branches/0/conditions/any empty-conditions"]),
                ("team that is not there", [Tenant.assign(nobody)], ["/steps/0/target/team_id unknown-team"]),
                (
                    "time-out without its port", [Tenant.assign(team, more: ["timeout": "PT15M"])],
                    ["/steps/0/timeout timeout-without-on-timeout"]
                ),
                ("no start", [wait("b", .null)], ["/start unknown-step"]), ("no steps", [], ["/steps too-few"]),
                (
                    "everything at once", [wait("a", "z"), ["id": "b", "type": "x"], wait("a", "z").adding("nxt", 1)],
                    [
                        "/steps/0/next dangling-port", "/steps/1/type unknown-step-type", "/steps/2/id duplicate-id",
                        "/steps/2/next dangling-port", "/steps/2/nxt unknown-field",
                    ]
                ),
            ]
            for (what, steps, mistakes) in cases {
                try await a.post("/v1/workflows", Tenant.definition(steps))
                    .refused(422, "validation-failed", mistakes, what)
                try await a.patch("/v1/workflows/\(draft)", ["steps": .array(steps)])
                    .refused(422, "validation-failed", mistakes, "patch: \(what)")
            }
            #expect(try await api.fingerprint(api.a) == before)
            // A draft keeps nobody from deleting the team; publishing finds out.
            try await a.delete("/v1/teams/\(team)").expect(204)
            let gone = try await api.fingerprint(api.a)
            try await a.post("/v1/workflows/\(draft)/publish")
                .refused(422, "validation-failed", ["/steps/0/target/team_id unknown-team"])
            try await a.post("/v1/workflows/\(draft)/stop").refused(409, "workflow-not-published")
            #expect(try await api.fingerprint(api.a) == gone)
        }
    }

    /// S23, and what a closed conversation refuses.
    @Test func whatIsInUseStays() async throws {
        try await withAPI(worker: false) { api in
            let a = api.a.owner
            let (agent, other) = (try await api.a.agent("Ana"), try await api.a.agent("Ben"))
            let team = try await api.a.team("Cards", [agent])
            let workflow = try await api.a.workflow([Tenant.assign(team)])
            let steps: [JSON] = [
                ["id": "a", "type": "assign", "target": ["agent_id": .string(other)], "next": .null]
            ]
            let personal = try await api.a.workflow(steps)
            for id in [workflow, personal] { try await a.post("/v1/workflows/\(id)/publish").expect(200) }
            let open = try await api.a.conversation()
            try await a.post("/v1/conversations/\(open)/assign", ["agent_id": .string(agent)]).expect(200)
            let closed = try await api.a.conversation()
            try await a.post("/v1/conversations/\(closed)/close", [:]).expect(200)
            try await a.post("/v1/teams", ["name": "Loans"]).expect(201)
            let waiting = try await api.a.conversation()
            let crowded = try await api.a.team("Crowded")
            let entry = try await a.post(
                "/v1/conversations/\(waiting)/assign", ["team_id": .string(crowded), "strategy": "round_robin"]
            ).expect(200)
            #expect(entry["waiting"] == true)
            let before = try await api.fingerprint(api.a)

            let used = try await a.delete("/v1/teams/\(team)")
            used.refused(409, "team-in-use")
            #expect(used.json["workflows"]?.array?.map { $0["id"]?.string } == [workflow])
            let held = try await a.delete("/v1/agents/\(agent)")
            held.refused(409, "agent-has-open-conversations")
            #expect(held.json["open_count"] == 1)
            let named = try await a.delete("/v1/agents/\(other)")
            named.refused(409, "agent-in-use")
            #expect(named.json["workflows"]?.array?.map { $0["id"]?.string } == [personal])
            let line = try await a.delete("/v1/teams/\(crowded)")
            line.refused(409, "team-in-use")
            #expect(line.json["waiting"] == 1)
            try await a.delete("/v1/agents/\(agent)?open=transfer").refused(400, "bad-query", ["to missing"])
            try await a.delete("/v1/agents/\(agent)?open=return&to=\(other)").refused(
                400, "bad-query", ["to not-allowed"])
            try await a.delete("/v1/agents/\(agent)?open=away").refused(400, "bad-query", ["open not-allowed"])
            for (action, body) in [
                ("close", [:]), ("assign", ["agent_id": .null]), ("messages", ["text": "x"]),
            ] as [(String, JSON)] {
                try await a.post("/v1/conversations/\(closed)/\(action)", body)
                    .refused(409, "conversation-closed", [], action)
            }
            try await a.post("/v1/teams", ["name": "LOANS"]).refused(409, "name-taken")
            try await a.patch("/v1/teams/\(team)", ["name": "loans"]).refused(409, "name-taken")
            let contact = try #require(
                try await a.get("/v1/conversations/\(open)").expect(200)["contact_id"]?.string)
            let second = try await a.post("/v1/conversations", ["contact_id": .string(contact)])
            second.refused(409, "conversation-already-open")
            #expect(second.json["conversation_id"]?.string == open)
            #expect(try await api.fingerprint(api.a) == before)

            // Said what becomes of them, the deletion goes through.
            try await a.delete("/v1/agents/\(agent)?open=transfer&to=\(other)").expect(204)
            #expect(try await a.get("/v1/conversations/\(open)").expect(200)["assignee_id"]?.string == other)
            try await a.post("/v1/workflows/\(personal)/stop").expect(200)
            try await a.delete("/v1/agents/\(other)?open=return").expect(204)
            #expect(try await a.get("/v1/conversations/\(open)").expect(200)["assignee_id"] == .null)
        }
    }
}

extension JSON {
    /// The object with one member more, or another value of it.
    func adding(_ name: String, _ value: JSON) -> JSON {
        guard var members = object else { return self }
        members[name] = value
        return .object(members)
    }
}
