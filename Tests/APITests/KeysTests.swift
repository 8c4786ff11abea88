import API
import Addresses
import Core
import Foundation
import Store
import TestKit
import Testing

/// What keys are limited to, how they are exchanged, and that no key reaches beyond itself.
@Suite struct KeysTests {
    private func make(_ client: APIClient, _ limits: [String: JSON], role: String = "owner") async throws -> JSON {
        let fields = [("name", JSON.string("x")), ("role", .string(role))] + limits.sorted { $0.key < $1.key }
        return try await client.post("/v1/api-keys", JSON(fields: fields)).expect(201)
    }

    /// Every operation of a workspace belongs to one scope, every scope has operations, and a key that lacks it is told.
    @Test(.timeLimit(.minutes(15))) func scopesDecide() async throws {
        try await withAPI(worker: false) { api in
            let nobody = UUID().lowercased
            var clients: [Scope: APIClient] = [:]
            for scope in Scope.allCases {
                let made = try await make(api.a.owner, ["scopes": [.string(scope.rawValue)]])
                clients[scope] = api.a.owner.with(key: made["key"]?.string)
            }
            var covered: Set<Scope> = []
            for route in api.routes {
                guard case .requires(let permission) = route.access else { continue }
                #expect((route.scope == nil) == (permission == .operate), "\(route.operationID)")
                guard let scope = route.scope else { continue }
                covered.insert(scope)
                let path = route.path.split(separator: "/").map { $0.hasPrefix("{") ? nobody : String($0) }
                    .joined(separator: "/")
                let other = try #require(Scope.allCases.first { $0 != scope })
                let refused = try await #require(clients[other]).send(route.method.rawValue, "/\(path)")
                refused.refused(403, "insufficient-scope", [], route.operationID)
                #expect(refused.json["required_scope"] == .string(scope.rawValue))
                #expect(refused.headers["WWW-Authenticate"]?.contains("scope=\"\(scope.rawValue)\"") == true)
                let admitted = try await #require(clients[scope]).send(route.method.rawValue, "/\(path)")
                #expect(admitted.status != 401 && admitted.status != 403, "\(route.operationID): \(admitted.text)")
            }
            #expect(covered == Set(Scope.allCases))
            // A scope widens no role.
            let viewer = try await make(api.a.owner, ["scopes": ["directory:write"]], role: "viewer")
            let refused = try await api.a.owner.with(key: viewer["key"]?.string).post("/v1/teams", ["name": "x"])
            refused.refused(403, "insufficient-role")
            #expect(refused.json["role"] == "viewer" && refused.json["required_role"] == "manager")
        }
    }

    @Test func addressesDecide() async throws {
        let proxy = try #require(AddressRange("127.0.0.0/8"))
        try await withAPI(worker: false) { api in
            for (ranges, isAdmitted) in [
                (["127.0.0.0/8"], true), (["::ffff:127.0.0.1"], true), (["192.0.2.0/24", "2001:db8::/32"], false),
            ] as [([String], Bool)] {
                let key = try await make(api.a.owner, ["allowed_addresses": .array(ranges.map { .string($0) })])
                // Without a trusted proxy anybody could write what they like.
                let answer = try await api.a.owner.with(key: key["key"]?.string)
                    .with("X-Forwarded-For", "192.0.2.7").get("/v1/agents")
                if isAdmitted {
                    try answer.expect(200)
                } else {
                    answer.refused(403, "address-not-allowed")
                    #expect(answer.json["address"] == "127.0.0.1")
                }
            }
        }
        try await withAPI(worker: false, trustedProxies: [proxy]) { api in
            let key = try await make(api.a.owner, ["allowed_addresses": ["192.0.2.0/24", "2001:db8::/32"]])
            #expect(key["allowed_addresses"] == ["192.0.2.0/24", "2001:db8::/32"])
            let client = api.a.owner.with(key: key["key"]?.string)
            for chain in ["192.0.2.7", "evil, 192.0.2.7", "10.0.0.1, [2001:db8::5]:4711, 127.0.0.9"] {
                try await client.with("X-Forwarded-For", chain).get("/v1/agents").expect(200)
            }
            for chain in ["192.0.2.7, 198.51.100.1", "192.0.2.7, evil"] {
                try await client.with("X-Forwarded-For", chain).get("/v1/agents").refused(403, "address-not-allowed")
            }
            try await client.get("/v1/agents").refused(403, "address-not-allowed")
        }
    }

    @Test func rotationOverlaps() async throws {
        try await withAPI(worker: false) { api in
            let made = try await make(api.a.owner, [:], role: "viewer")
            let path = "/v1/api-keys/\(try made.id)"
            func status(_ secret: JSON?) async throws -> Int {
                try await api.a.owner.with(key: secret?.string).get("/v1/agents").status
            }
            let second = try await api.a.owner.post("\(path)/rotate", ["overlap": "PT1H"]).expect(200)
            #expect(second["id"] == made["id"] && second["key"] != made["key"])
            let until = try #require(second["previous_valid_until"]?.string.flatMap { Timestamp.parse($0) })
            #expect(abs(until.timeIntervalSinceNow - 3600) < 60)
            #expect(try await [status(made["key"]), status(second["key"])] == [200, 200])
            // Rotating again drops the oldest.
            let third = try await api.a.owner.post("\(path)/rotate").expect(200)
            #expect(try await [status(made["key"]), status(second["key"]), status(third["key"])] == [401, 200, 200])
            // The overlap ends by the database's clock.
            try await api.store.execute(
                "UPDATE api_keys SET previous_valid_until = now() - interval '1 second' WHERE id = $1",
                [try #require(UUID(uuidString: try made.id))])
            #expect(try await [status(second["key"]), status(third["key"])] == [401, 200])
            #expect(try await api.a.owner.get(path).expect(200)["previous_valid_until"] == .null)
            let fourth = try await api.a.owner.post("\(path)/rotate", ["overlap": "PT0S"]).expect(200)
            #expect(try await [status(third["key"]), status(fourth["key"])] == [401, 200])
            // Revoking ends both secrets.
            let fifth = try await api.a.owner.post("\(path)/rotate").expect(200)
            try await api.a.owner.delete(path).expect(204)
            #expect(try await [status(fourth["key"]), status(fifth["key"])] == [401, 401])
            try await api.a.owner.post("\(path)/rotate").refused(409, "conflict")
        }
    }

    @Test func noKeyReachesBeyondItself() async throws {
        try await withAPI(worker: false) { api in
            let end = Timestamp.format(Date(timeIntervalSinceNow: 3600))
            let limits: [String: JSON] = [
                "scopes": ["keys:write", "keys:read"], "expires_at": .string(end), "allowed_addresses": ["127.0.0.0/8"],
            ]
            let limited = api.a.owner.with(key: try await make(api.a.owner, limits)["key"]?.string)
            try await limited.post("/v1/api-keys", ["name": "x", "role": "owner"]).refused(
                403, "beyond-own-key",
                ["/scopes beyond-own-key", "/expires_at beyond-own-key", "/allowed_addresses beyond-own-key"])
            var within = limits
            within["scopes"] = ["keys:read"]
            within["allowed_addresses"] = ["127.0.0.1"]
            let made = try await make(limited, within)
            let path = "/v1/api-keys/\(try made.id)"
            try await limited.patch(path, ["scopes": ["keys:read", "audit:read"]])
                .refused(403, "beyond-own-key", ["/scopes beyond-own-key"])
            try await limited.patch(path, ["scopes": .null, "expires_at": .null])
                .refused(403, "beyond-own-key", ["/scopes beyond-own-key", "/expires_at beyond-own-key"])
            #expect(try await limited.patch(path, ["name": "y"]).expect(200)["name"] == "y")
            // A new secret of a stronger key would be that key.
            let first = try await api.a.owner.get("/v1/api-keys").expect(200).items[0].id
            for (method, path) in [("POST", "/v1/api-keys/\(first)/rotate"), ("DELETE", "/v1/api-keys/\(first)")] {
                let answer = try await limited.send(method, path)
                #expect(answer.status == 403 && answer.problem == "beyond-own-key", "\(answer.text)")
            }
            try await api.a.client("manager").post("/v1/api-keys", ["name": "x", "role": "viewer"])
                .refused(403, "insufficient-role")
        }
    }

    @Test func anOwnerKeyWithoutLimitsStays() async throws {
        try await withAPI(worker: false) { api in
            let path = "/v1/api-keys/\(try await api.a.owner.get("/v1/api-keys").expect(200).items[0].id)"
            _ = try await make(api.a.owner, ["scopes": ["keys:write"]])
            try await api.a.owner.delete(path).refused(409, "last-owner-key")
            let narrowing: [JSON] = [
                ["scopes": ["keys:write"]], ["expires_at": "2099-01-01T00:00:00Z"],
                ["allowed_addresses": ["127.0.0.1"]],
            ]
            for patch in narrowing { try await api.a.owner.patch(path, patch).refused(409, "last-owner-key") }
            try await api.a.owner.patch(path, ["name": "First"]).expect(200)
            // Two owners who revoke each other at once: one of them stays.
            let other = try await make(api.a.owner, [:])
            let second = api.a.owner.with(key: other["key"]?.string)
            async let one = second.delete(path)
            async let two = api.a.owner.delete("/v1/api-keys/\(try other.id)")
            let statuses = try await [one.status, two.status].sorted()
            #expect(statuses == [204, 409] || statuses == [204, 401], "\(statuses)")
            // The operator finds a way back in.
            let recovery = try await api.operators.post("/v1/workspaces/\(api.a.id)/keys", ["name": "Recovery"]).expect(
                201)
            try await api.a.owner.with(key: recovery["key"]?.string).get("/v1/api-keys").expect(200)
        }
    }

    /// A key that calls is not changed by that: a condition holds, while the list tells that it called.
    @Test func useChangesNoTagOfTheKey() async throws {
        try await withAPI(worker: false) { api in
            let path = "/v1/api-keys/\(try await make(api.a.owner, ["scopes": ["keys:read"]]).id)"
            func read(_ path: String) async throws -> (tag: String, json: JSON) {
                let answer = try await api.a.owner.get(path)
                return (try #require(answer.headers["ETag"]), answer.json)
            }
            let before = try await (one: read(path), all: read("/v1/api-keys"))
            let rotated = try await api.a.owner.post("\(path)/rotate", [:])
            #expect(rotated.headers["ETag"] != before.one.tag)
            let fresh = try await read(path)
            #expect(fresh.tag == rotated.headers["ETag"] && fresh.json["last_used_at"] == .null)
            try await api.a.owner.with(key: rotated.json["key"]?.string).get("/v1/api-keys").expect(200)
            try await api.uses.write(to: api.store)
            let used = try await (one: read(path), all: read("/v1/api-keys"))
            #expect(used.one.json["last_used_at"]?.string != nil && used.one.tag == fresh.tag)
            #expect(used.all.tag != before.all.tag)
            try await api.a.owner.with("If-None-Match", fresh.tag).get(path).expect(304)
            // Rotating a used key gives the tag that GET gives.
            let again = try await api.a.owner.post("\(path)/rotate", [:]).expect(200)
            let patched = try await api.a.owner.with("If-Match", try await read(path).tag).patch(path, ["name": "New"])
            try patched.expect(200)
            #expect(patched.headers["ETag"] == (try await read(path).tag) && again["last_used_at"]?.string != nil)
            let tag = try await read(path).tag
            try await api.a.owner.with("If-Match", fresh.tag).delete(path).refused(412, "precondition-failed")
            try await api.a.owner.with("If-Match", tag).delete(path).expect(204)
        }
    }

    @Test func usesAreGatheredAndWrittenInOneGo() async throws {
        try await withAPI(worker: false) { api in
            let listed = try await api.a.owner.get("/v1/api-keys").expect(200).items
            #expect(listed.allSatisfy { $0["last_used_at"] == .null })
            let before = Date()
            for _ in 0..<3 { try await api.a.client("viewer").get("/v1/agents").expect(200) }
            try await api.a.client("agent").get("/v1/api-keys").refused(403, "insufficient-role")
            try await api.uses.write(to: api.store)
            let used = try await api.a.owner.get("/v1/api-keys").expect(200).items
            let idle = used.filter { $0["last_used_at"] == .null }
            #expect(used.count == 4 && idle.map { $0["role"] } == ["manager"], "\(used)")
            let viewer = try #require(used.first { $0["role"] == "viewer" }?["last_used_at"]?.string)
            #expect(try #require(Timestamp.parse(viewer)) >= before.addingTimeInterval(-0.001))
            // An older note does not turn the clock back, and nothing gathered is no statement.
            try await api.uses.write(to: api.store)
            try await api.uses.write(to: api.store)
            #expect(
                try await api.a.owner.get("/v1/api-keys").expect(200).items.first { $0["role"] == "viewer" }?[
                    "last_used_at"]
                    == .string(viewer))
        }
    }
}
