import API
import Core
import Foundation
import HTTPTypes
import Store
import TestKit
import Testing

/// Who may call what, and what every answer carries. That one workspace is not there for another is in IsolationTests.
@Suite struct TenancyTests {
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
