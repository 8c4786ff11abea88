import Core
import Foundation
import Postgres
import Store
import TestKit
import Testing

/// Rate limits as a client meets them: headers, refusals, several processes over one database.
@Suite(.serialized) struct RateLimitTests {
    private static let list = "/v1/teams"
    /// Transactions that wrote anything, in the whole cluster: reading needs no number.
    private static let transactions = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS count"

    @Test func everyAnswerTellsWhatIsLeftAndRetryAfterIsTrue() async throws {
        try await withAPI(worker: false, limits: RateLimits(key: RateLimit(quota: 20, window: 20))) { api in
            // Those of the fixture have used up some of the owner's.
            let client = api.a.client("viewer")
            let policy = #""key";q=20;w=20"#
            for used in 1...20 {
                // A problem counts and tells as much as anything else.
                let answer = try await client.get(used.isMultiple(of: 2) ? Self.list : "/v1/teams/nope")
                #expect(answer.status == (used.isMultiple(of: 2) ? 200 : 404))
                #expect(answer.headers["RateLimit-Policy"] == policy)
                let left = try #require(try Self.items(answer.headers["RateLimit"])["key"])
                #expect((20 - used...21 - used).contains(try #require(left["r"])), "\(left)")
                #expect((1...20).contains(try #require(left["t"])))
            }
            try await client.post(Self.list, ["name": "x"]).refused(429, "too-many-requests")
            let refused = try await client.get(Self.list)
            refused.refused(429, "too-many-requests")
            #expect(refused.json["violated-policies"] == ["key"])
            #expect(refused.headers["RateLimit-Policy"] == policy)
            #expect(try Self.items(refused.headers["RateLimit"])["key"]?["r"] == 0)
            let seconds = try #require(refused.headers["Retry-After"].flatMap { Int($0) })
            #expect(seconds == 1)
            // Another key is another caller; nobody is asked about health.
            try await api.a.client("agent").get(Self.list).expect(200)
            try await api.anonymous.get("/healthz").expect(200)
            try await Task.sleep(for: .seconds(seconds))
            try await client.get(Self.list).expect(200)
        }
    }

    @Test func whoGuessesIsSlowedDownAndHurtsNobodyElse() async throws {
        let limits = RateLimits(
            key: RateLimit(quota: 1000, window: 10), failures: RateLimit(quota: 5, window: 600))
        try await withAPI(worker: false, limits: limits) { api in
            try await api.a.owner.get(Self.list).expect(200)
            let wrong = "sb_\(String(repeating: "0", count: 32))_\(String(repeating: "1", count: 64))"
            for _ in 0..<5 { try await api.anonymous.with(key: wrong).get(Self.list).refused(401, "unauthenticated") }
            // Nobody can look a key up while the table is locked: whatever is answered is answered without.
            let lock = Task {
                try await api.store.database.transaction {
                    _ = try $0.runScript("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60);")
                }
            }
            let holder = """
                SELECT count(pid)::int AS count FROM pg_locks WHERE relation = 'api_keys'::regclass AND granted
                AND mode = 'AccessExclusiveLock' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                """
            #expect(try await eventually { try await api.store.value(holder, as: Int.self) == 1 })
            for _ in 0..<20 {
                let refused = try await api.anonymous.with(key: wrong).get(Self.list)
                refused.refused(429, "too-many-requests")
                #expect(refused.json["violated-policies"] == ["failures"])
                #expect(refused.headers["Retry-After"] == "120")
            }
            #expect(try await api.store.value(holder, as: Int.self) == 1)
            _ = try await api.store.rows(
                "SELECT pg_cancel_backend(pid) FROM pg_locks WHERE relation = 'api_keys'::regclass AND mode = 'AccessExclusiveLock'"
            )
            _ = try? await lock.value
            // Who was good a moment ago is not shut out from the same address.
            try await api.a.owner.get(Self.list).expect(200)
        }
    }

    /// Ten seconds' quota of 320 through two processes: together they let through what one would, and a share more.
    @Test(.timeLimit(.minutes(15))) func twoProcessesShareALimitAndWriteNothingForIt() async throws {
        try await withTestStore { store, url in
            var processes: [APIProcess] = []
            for _ in 0..<2 {
                processes.append(
                    try await APIProcess.start(
                        ["api", "--listen", "127.0.0.1:0"], database: url,
                        environment: ["SWITCHBOARD_RATE_LIMIT_KEY": "320/PT40S"]))
            }
            let transport = APIClient.transport(connections: 32)
            defer { for process in processes { process.send(SIGKILL) } }
            let token = try await store.write { try $0.createOperatorKey(name: "test").token }
            var clients: [APIClient] = []
            for process in processes {
                clients.append(
                    APIClient(base: try await process.baseURL(), key: token, exchanges: nil, transport: transport))
            }
            let tenant = try await Tenant("Limits", by: clients[0])
            let key = try #require(tenant.keys["viewer"])
            let before = try await store.value(Self.transactions, as: Int.self)
            let began = ContinuousClock.now
            var permitted = 0
            // Until both refuse.
            while began.duration(to: .now) < .seconds(60) {
                let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                    for index in 0..<16 {
                        let client = clients[index % 2].with(key: key)
                        group.addTask { try await client.get(Self.list).status }
                    }
                    var statuses: [Int] = []
                    for try await status in group { statuses.append(status) }
                    return statuses
                }
                #expect(Set(answers).isSubset(of: [200, 429]))
                permitted += answers.count { $0 == 200 }
                if !answers.contains(200) { break }
            }
            let seconds = began.duration(to: .now) / .seconds(1)
            let fair = 320 + Int(seconds * 8)
            // Each may have let through a share that the other had not heard of, and what was under way just then.
            #expect(
                (320...fair + 2 * (320 / 16 + 16)).contains(permitted), "\(permitted) in \(seconds) s, fair \(fair)")
            let written = try await store.value(Self.transactions, as: Int.self) - before
            // Notifications go out once a second and process, and sixteen times a quota.
            #expect(written <= Int(seconds + 2) * 2 + 2 * 16 + 4, "\(written) transactions for \(permitted) requests")
            // An operator raises the workspace's limit; within five seconds every process knows.
            let workspace = try await clients[0].patch(
                "/v1/workspaces/\(tenant.id)", ["rate_limit": ["quota": 5000, "window": "PT10S"]]
            ).expect(200)
            #expect(workspace["rate_limit"] == ["quota": 5000, "window": "PT10S"])
            for client in clients {
                #expect(
                    try await eventually(within: .seconds(30)) {
                        let answer = try await client.with(key: key).get(Self.list)
                        return answer.status == 200
                            && answer.headers["RateLimit-Policy"] == #""key";q=5000;w=10, "workspace";q=5000;w=10"#
                    })
            }
            await transport.close()
            for process in processes { #expect(try await process.stop() == 0, "\(process.log.suffix(2000))") }
        }
    }

    @Test func aWorkspacesOwnLimitIsCheckedAndTakenBack() async throws {
        try await withAPI(worker: false) { api in
            let path = "/v1/workspaces/\(api.a.id)"
            #expect(try await api.operators.get(path).expect(200)["rate_limit"] == .null)
            try await api.operators.patch(path, ["rate_limit": ["quota": 0, "window": "PT0.5S", "burst": 1]])
                .refused(
                    422, "validation-failed",
                    [
                        "/rate_limit/quota out-of-range", "/rate_limit/window invalid-format",
                        "/rate_limit/burst unknown-field",
                    ])
            try await api.operators.patch(path, ["rate_limit": ["quota": 7]])
                .refused(422, "validation-failed", ["/rate_limit/window missing"])
            let set = try await api.operators.patch(path, ["rate_limit": ["quota": 7, "window": "PT60S"]]).expect(200)
            #expect(set["rate_limit"] == ["quota": 7, "window": "PT1M"])
            #expect(try await api.operators.patch(path, ["rate_limit": .null]).expect(200)["rate_limit"] == .null)
        }
    }

    /// Reads a list of structured-field strings with integer parameters (RFC 9651), strictly.
    private static func items(_ field: String?) throws -> [String: [String: Int]] {
        let text = try #require(field)
        let item = #/"([a-z]+)"((?:;[a-z]+=\d+)+)/#
        var items: [String: [String: Int]] = [:]
        for part in text.components(separatedBy: ", ") {
            let match = try #require(part.wholeMatch(of: item), "\(part)")
            for parameter in match.2.split(separator: ";") {
                let pair = parameter.split(separator: "=")
                items[String(match.1), default: [:]][String(pair[0])] = Int(pair[1])
            }
        }
        return items
    }
}
