import Core
import Foundation
import HTTPClient
import Store
import TestKit
import Testing

/// What operators see of processes that work: figures, traces, the log and the status.
@Suite(.serialized) struct ObservabilityTests {
    private static let documents = ProjectRoot.url.appending(path: "docs/observability")
    private static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    /// Whatever is sent in these may never be read in a log.
    private static let phone = "+34600123456"
    private static let body = "Xylophone-4711"
    private static let inbound = "/v1/channels/{channel_id}/inbound"

    @Test(.timeLimit(.minutes(5))) func aRealPrometheusSeesWhatLiveProcessesDo() async throws {
        try await withTestStore { store, url in
            let channel = try FakeChannel()
            let transport = APIClient.transport()
            let environment = [
                "SWITCHBOARD_METRICS_LISTEN": "127.0.0.1:0", "SWITCHBOARD_ALLOW_PRIVATE_NETWORKS": "true",
                "SWITCHBOARD_LOG_LEVEL": "trace",
            ]
            let processes = [
                "api": try await APIProcess.start(
                    ["api", "--listen", "127.0.0.1:0"], database: url, environment: environment),
                "worker": try await APIProcess.start(["worker"], database: url, environment: environment),
                "scheduler": try await APIProcess.start(["scheduler"], database: url, environment: environment),
            ]
            do {
                try await look(store, processes, channel, transport)
            } catch {
                for (name, process) in processes {
                    process.send(SIGKILL)
                    print("\(name): \(process.log.suffix(3000))")
                }
                await channel.stop()
                throw error
            }
            await transport.close()
            for (name, process) in processes {
                #expect(try await process.stop() == 0, "\(name): \(process.log.suffix(2000))")
            }
            // Each took its own row away.
            #expect(try await store.processes().isEmpty)
            await channel.stop()
        }
    }

    private func look(
        _ store: Store, _ processes: [String: APIProcess], _ channel: FakeChannel, _ transport: HTTPClient
    ) async throws {
        var metrics: [String: String] = [:]
        for (name, process) in processes {
            metrics[name] = try #require(try await process.line("metrics")["url"]?.string)
        }
        let prometheus = try await Prometheus.start(
            scraping: metrics.mapValues { String($0.dropFirst("http://".count).dropLast("/metrics".count)) },
            rules: Self.documents.appending(path: "alerts.yaml"), transport: transport)
        let api = try #require(processes["api"])
        let token = try await store.write { try $0.createOperatorKey(name: "test").token }
        let operators = APIClient(base: try await api.baseURL(), key: token, exchanges: nil, transport: transport)
        let tenant = try await Tenant("Seen", by: operators)
        let secrets = try await load(tenant, channel, transport)
        try await figures(prometheus)
        try await names(metrics, transport)
        try await status(operators, tenant)
        try await prometheus.stop()
        try await log(api, processes, secrets + [token], tenant)
    }

    /// Sixty messages of sixty contacts, the first in a trace of its own, and the errors that a client can make.
    /// - Returns: what is secret of all that was sent.
    private func load(_ tenant: Tenant, _ channel: FakeChannel, _ transport: HTTPClient) async throws -> [String] {
        let workflow = try await tenant.workflow([
            ["id": "a", "type": "send_message", "text": .string("We have got \(Self.body)."), "next": .null]
        ])
        try await tenant.owner.post("/v1/workflows/\(workflow)/publish").expect(200)
        let made = try await tenant.owner.post(
            "/v1/channels", ["name": "Hook", "kind": "custom", "url": .string(channel.url)]
        ).expect(201)
        let secret = try #require(made["token"]?.string)
        let path = "/v1/channels/\(try made.id)/inbound"
        let client = tenant.inbound.with(key: secret)
        for index in 0..<60 {
            let event: JSON = [
                "type": "message", "message_id": .string("m-\(index)"), "text": .string("\(Self.body) \(index)"),
                "contact": [
                    "external_id": .string("\(Self.phone)-\(index)"), "phone": .string(Self.phone),
                    "name": .string("\(Self.body) Smith"),
                ],
            ]
            let sender =
                index == 0
                ? client.with("traceparent", Self.parent).with("tracestate", "rojo=1")
                : client.with("traceparent", "00-zz")
            try await sender.post(path, ["events": [event]]).expect(200)
        }
        #expect(try await eventually { Set(channel.deliveries.map(\.key)).count == 60 })
        let traced = channel.deliveries.filter { $0.headers["tracestate"] != nil }
        let parent = try #require(traced.first?.headers["traceparent"].flatMap { TraceContext(parent: $0) })
        #expect(traced.count == 1 && traced[0].headers["tracestate"] == "rojo=1")
        #expect(parent.traceID == "4bf92f3577b34da6a3ce929d0e0e4736" && parent.spanID != "00f067aa0ba902b7")
        let others = Set(channel.deliveries.compactMap { $0.headers["traceparent"]?.dropFirst(3).prefix(32) })
        #expect(others.count == 60, "a call without a valid traceparent begins a trace of its own")

        // Wrong in every way that leads through another piece of code.
        let owner = tenant.owner
        let unsaid = "sb_\(UUID())_\(Self.body)"
        #expect(try await owner.with(key: unsaid).get("/v1/teams").status == 401)
        #expect(try await owner.get("/v1/contacts/\(Self.phone)").status == 404)
        #expect(try await owner.get("/v1/contacts?phone=%2B34600123456&email=\(Self.body)%40x.y").status < 500)
        #expect(try await owner.get("/v1/contacts?\(Self.body)=1").status == 400)
        #expect(try await owner.get("/\(Self.body)/\(Self.phone)").status == 404)
        #expect(
            try await owner.send(
                "POST", "/v1/teams", bytes: Array("{\"\(Self.body)\"".utf8), contentType: "application/json"
            )
            .status == 400)
        #expect(try await owner.post("/v1/teams", ["name": .array([.string(Self.body)])]).status == 422)
        #expect(try await owner.post("/v1/contacts", ["phone": .string("\(Self.body) \(Self.phone)")]).status < 500)
        #expect(try await owner.with("X-Agent-Id", Self.body).get("/v1/teams").status == 422)
        #expect(try await owner.with("Idempotency-Key", "\(Self.body) ").post("/v1/teams", ["name": "x"]).status < 500)
        #expect(try await client.post(path, ["events": [["type": .string(Self.body)]]]).status == 200)
        #expect(try await client.get("/v1/teams").status == 403)
        return [secret, unsaid] + tenant.keys.values
    }

    private func figures(_ prometheus: Prometheus) async throws {
        try await prometheus.expect("up") { $0.count == 3 && $0.allSatisfy { $0.value == 1 } }
        try await prometheus.expect("switchboard_processes") { found in
            found.count == 3 && found.allSatisfy { $0.value == 1 }
        }
        try await prometheus.expect(
            #"sum by (method, route, status) (switchboard_http_request_duration_seconds_count{route="/v1/channels/{channel_id}/inbound"})"#
        ) { $0.map(\.value) == [61] }
        try await prometheus.expect(
            "sum by (status) (switchboard_http_request_duration_seconds_count{status=~\"4..\"})"
        ) {
            Set($0.map(\.labels)).isSuperset(of: ["status=400", "status=401", "status=403", "status=404", "status=422"])
        }
        try await prometheus.expect(
            "histogram_quantile(0.99, sum by (le) (switchboard_http_request_duration_seconds_bucket))"
        ) { ($0.first?.value ?? 0) > 0 }
        try await prometheus.expect("switchboard_ingest_messages_total{status=\"accepted\"}") {
            $0.map(\.value) == [60]
        }
        try await prometheus.expect("switchboard_ingest_batch_messages_sum") { $0.map(\.value) == [60] }
        try await prometheus.expect("switchboard_runs_started_total") { $0.map(\.value) == [60] }
        try await prometheus.expect("switchboard_runs_ended_total") { found in
            found.first { $0.labels.contains("completed") }?.value == 60
        }
        try await prometheus.expect("switchboard_claim_duration_seconds_count > 0") { $0.count == 2 }
        try await prometheus.expect("switchboard_commit_duration_seconds_count > 0") { $0.count == 2 }
        try await prometheus.expect("switchboard_effect_attempts_total{outcome=\"delivered\"}") {
            $0.map(\.value) == [60]
        }
        try await prometheus.expect("switchboard_outbox_pending") { $0.map(\.value) == [0] }
        try await prometheus.expect("switchboard_runs_active") { $0.map(\.value) == [0] }
        try await prometheus.expect("switchboard_line_waiting_conversations") { $0.map(\.value) == [0] }
        try await prometheus.expect("sum by (instance) (switchboard_database_connections{state=\"connected\"})") {
            found in
            // Two for reads and four for transactions; the API has both a second time, under its own role.
            found.map(\.value).sorted() == [6, 6, 12]
        }
        try await prometheus.expect("switchboard_job_runs_total{outcome=\"failed\"}") { $0.map(\.value) == [0] }
        try await prometheus.expect("process_resident_memory_bytes / 1024 / 1024") { found in
            found.count == 3 && found.allSatisfy { (5..<500).contains($0.value) }
        }
        try await prometheus.expect("time() - process_start_time_seconds") { found in
            found.count == 3 && found.allSatisfy { (0..<600).contains($0.value) }
        }
        let rules = try await prometheus.get("/api/v1/rules")["data"]?["groups"]?.array?.first?["rules"]?.array ?? []
        #expect(rules.count > 10 && rules.allSatisfy { $0["health"]?.string == "ok" }, "\(rules)")
        #expect(try await prometheus.query("ALERTS{alertstate=\"firing\"}").isEmpty)
    }

    /// Rules, dashboard and documentation name what is exposed, and nothing else; what is exposed is well formed.
    private func names(_ urls: [String: String], _ transport: HTTPClient) async throws {
        var exposed: [String: String] = [:]
        for (name, url) in urls {
            let response = try await transport.send(HTTPRequest(method: "GET", url: url, timeout: .seconds(10)))
            #expect(response.status == 200)
            #expect(response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            let text = String(decoding: response.body, as: UTF8.self)
            for match in text.matches(of: /# TYPE (\w+) (\w+)/) { exposed[String(match.1)] = String(match.2) }
            let file = URL(filePath: "/tmp/switchboard-metrics-\(UUID()).txt")
            try response.body.withUnsafeBytes { try Data($0).write(to: file) }
            try await check("promtool check metrics < \(file.path)", "metrics of \(name)")
            try FileManager.default.removeItem(at: file)
            let other = try await transport.send(
                HTTPRequest(method: "GET", url: url.replacing("/metrics", with: "/v1/teams"), timeout: .seconds(10)))
            #expect(other.status == 404, "the API is not served where nobody needs a key")
        }
        try await check("promtool check rules \(Self.documents.appending(path: "alerts.yaml").path)", "alerts.yaml")

        var known = Set(exposed.keys)
        for (name, kind) in exposed where kind == "histogram" {
            known.formUnion(["_bucket", "_sum", "_count"].map { name + $0 })
        }
        for file in ["alerts.yaml", "dashboard.json"] {
            let text = try String(contentsOf: Self.documents.appending(path: file), encoding: .utf8)
            let used = Set(text.matches(of: /\b(?:switchboard|process)_[a-z_]+\b/).map { String($0.0) })
            #expect(used.count > 10 && used.subtracting(known) == [], "\(file)")
        }
        let page = try String(contentsOf: ProjectRoot.url.appending(path: "docs/observability.md"), encoding: .utf8)
        let documented = page.matches(of: /(?m)^\| `((?:switchboard|process)_\w+)` \| (\w+) \|/)
        let table = Dictionary(documented.map { (String($0.1), String($0.2)) }, uniquingKeysWith: { first, _ in first })
        #expect(table == exposed)
    }

    private func check(_ command: String, _ what: String) async throws {
        let process = try await APIProcess.start(program: "/bin/sh", ["-c", "\(command) 1>&2"])
        #expect(try await eventually { process.exitCode != nil })
        #expect(process.exitCode == 0, "\(what): \(process.log)")
        print(
            "promtool> \(what): exit \(process.exitCode ?? -1) \(process.log.split(separator: "\n").joined(separator: " "))"
        )
    }

    private func status(_ operators: APIClient, _ tenant: Tenant) async throws {
        let whole = try await operators.get("/v1/status").expect(200)
        #expect(whole["processes"]?.array?.count == 3)
        #expect(whole["parts"] == ["api": 1, "worker": 1, "scheduler": 1])
        print("status> \(whole.text)")
        let own = try await tenant.client("viewer").get("/v1/status").expect(200)
        #expect(own["scope"] == "workspace" && own["processes"] == nil && own["parts"] == whole["parts"])
    }

    /// One line a request with all that is asked for; and no line of any process with what was sent in confidence.
    private func log(
        _ api: APIProcess, _ processes: [String: APIProcess], _ secrets: [String], _ tenant: Tenant
    ) async throws {
        // A request's line is written behind its answer.
        let isWhole = try await eventually { api.lines("request").count { $0["route"]?.string == Self.inbound } >= 61 }
        #expect(isWhole)
        let lines = api.lines("request")
        let inbound = lines.filter { $0["route"]?.string == Self.inbound }
        #expect(inbound.count == 61)
        for name in ["method", "status", "duration_ms", "bytes_in", "bytes_out", "request_id", "trace_id", "caller"] {
            #expect(inbound.allSatisfy { $0[name]?.string?.isEmpty == false }, "\(name)")
        }
        #expect(inbound.allSatisfy { $0["workspace"]?.string == tenant.id })
        #expect(inbound.allSatisfy { $0["key_id"]?.string.flatMap { UUID(uuidString: $0) } != nil })
        #expect(inbound.count { $0["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736" } == 1)
        #expect(lines.contains { $0["problem"] == "validation-failed" && $0["status"] == "422" })
        print("log> \(inbound.first?.text ?? "-")")
        let forbidden =
            [Self.body, Self.phone, "34600123456"]
            + secrets.compactMap { $0.split(separator: "_", maxSplits: 2).last.map(String.init) }
        for (name, process) in processes {
            for text in forbidden {
                let line = process.log.split(separator: "\n").first { $0.contains(text) }
                #expect(line == nil, "\(name) logs “\(text)”: \(line ?? "")")
            }
        }
    }

    @Test func aProcessThatDiedIsShownAsLostAndThenForgotten() async throws {
        try await withAPI(worker: false) { api in
            let process = ProcessDescription(parts: ["worker"], host: "h", processID: 7, version: "v")
            try await api.store.heartbeat(process)
            try await api.store.execute("UPDATE processes SET last_seen_at = now() - interval '20 seconds'")
            try await api.store.heartbeat(
                ProcessDescription(parts: ["api", "scheduler"], host: "h", processID: 8, version: "v"))
            let whole = try await api.operators.get("/v1/status").expect(200)
            #expect(whole["processes"]?.array?.map { $0["alive"] } == [false, true])
            #expect(whole["parts"] == ["api": 1, "worker": 0, "scheduler": 1])
            try await api.a.inbound.get("/v1/status").refused(403, "forbidden")
            try await api.anonymous.get("/v1/status").refused(401, "unauthenticated")

            try await api.store.execute(
                "UPDATE processes SET last_seen_at = now() - interval '61 seconds' WHERE process_id = 7")
            try await api.store.heartbeat(
                ProcessDescription(parts: ["api"], host: "h", processID: 9, version: "v"))
            #expect(try await api.store.processes().map(\.description.processID) == [8, 9])
        }
    }

    @Test func aWorkspaceSeesWhatWaitsOfItsOwn() async throws {
        try await withAPI(worker: false) { api in
            let other = try await api.tenant("B")
            let workflow = try await api.a.workflow([Tenant.assign(try await api.a.team())])
            try await api.a.owner.post("/v1/workflows/\(workflow)/publish").expect(200)
            for _ in 0..<3 { _ = try await api.a.conversation() }
            let own = try await api.a.owner.get("/v1/status").expect(200)
            #expect(own["runs"]?["due"] == 3 && own["runs"]?["oldest_age"]?.string?.hasPrefix("PT0.") == true)
            #expect(own["outbox"] == ["pending": 0, "oldest_age": .null, "overdue": .null])
            #expect(try await other.owner.get("/v1/status").expect(200)["runs"]?["due"] == 0)
            #expect(try await api.operators.get("/v1/status").expect(200)["runs"]?["due"] == 3)
        }
    }
}
