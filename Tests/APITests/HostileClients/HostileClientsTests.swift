import Core
import Foundation
import Glibc
import Store
import Synchronization
import TestKit
import Testing

/// Everything a client can do to hurt the others, done to a real process. Every attack gets its answer, an honest client
/// is served all the while, and afterwards the process is as it was.
@Suite(.serialized, .timeLimit(.minutes(15))) struct HostileClientsTests {
    /// Seconds; what the process is told to wait for a request.
    private static let patience = 3.0
    private static let environment = [
        "SWITCHBOARD_REQUEST_TIMEOUT": "PT6S", "SWITCHBOARD_IDLE_TIMEOUT": "PT9S",
        "SWITCHBOARD_ALLOW_PRIVATE_NETWORKS": "false", "SWITCHBOARD_LOG_LEVEL": "warning",
    ]
    /// What the whole process may hold at any time; the same work without attacks needs about 60 MB in a debug build.
    private static let memoryLimit = 400 << 20

    @Test func nobodyCanHurtTheOthers() async throws {
        try await withTestStore { store, url in
            raiseDescriptorLimit()
            var environment = Self.environment
            environment["SWITCHBOARD_LOG_LEVEL"] = "info"
            let process = try await APIProcess.start(
                ["serve", "--listen", "127.0.0.1:0"], database: url, environment: environment)
            let transport = APIClient.transport()
            defer { process.send(SIGKILL) }
            let base = try await process.baseURL()
            let token = try await store.write { try $0.createOperatorKey(name: "test").token }
            let operators = APIClient(base: base, key: token, exchanges: nil, transport: transport)
            let tenants = [try await Tenant("A", by: operators), try await Tenant("B", by: operators)]
            let target = HostileTarget(
                port: try #require(URL(string: base)?.port), key: try #require(tenants[0].keys["owner"]),
                channel: tenants[0].channel, patience: Self.patience)
            let (memory, descriptors) = (process.residentBytes, process.descriptorCount)

            let honest = HonestClient(tenants[1].client("viewer"))
            let serving = Task { await honest.run() }
            let lines = try await attack(target, process, tenants, store)
            honest.stop()
            await serving.value

            #expect(honest.failures == [] && honest.served > 100, "\(honest.served) served")
            #expect(honest.slowest < .seconds(5), "\(honest.slowest)")
            #expect(process.exitCode == nil, "\(process.log.suffix(2000))")
            let most = lines.map { max($0.before, $0.after) }.max() ?? 0
            #expect(most < Self.memoryLimit, "\(most >> 20) MB at most, \(memory >> 20) MB before")
            await transport.close()
            // The listening socket, the pools and nothing else.
            #expect(
                try await eventually(within: .seconds(30)) { process.descriptorCount <= descriptors },
                "\(process.descriptorCount) descriptors, \(descriptors) before")
            #expect(process.lines("request failed") == [])
            #expect(try await process.stop() == 0, "\(process.log.suffix(2000))")
            let more = [try await exhaustDescriptors(url, token)]
            let outbound = try await OutboundRows.lines(environment: Self.environment)
            try HostileTable(lines: lines + more + outbound).writeOrCompare()
        }
    }

    private func attack(
        _ target: HostileTarget, _ process: APIProcess, _ tenants: [Tenant], _ store: Store
    ) async throws -> [HostileTable.Line] {
        let rows = ConnectionRows.all + ContentRows.all
        let stored: [(sent: String, expected: String, attack: @Sendable () async throws -> String)] = [
            (
                "formulas and markup as stored names, then the report as CSV and HTML", "text",
                { try await StoredValueRows.injection(tenants[0]) }
            ),
            (
                "a channel's URL that leads inside: \(StoredValueRows.urls.count) spellings of private addresses, 6 of other kinds",
                "nothing reached", { try await StoredValueRows.requestForgery(tenants[1], store) }
            ),
        ]
        return try await withThrowingTaskGroup(of: (Int, HostileTable.Line).self) { group in
            func add(
                _ index: Int, _ sent: String, _ expected: String,
                _ attack: @escaping @Sendable () async throws -> String
            ) {
                group.addTask {
                    let before = process.residentBytes
                    let got = try await attack()
                    #expect(got == expected, "\(sent)")
                    return (
                        index, HostileTable.Line(sent: sent, got: got, before: before, after: process.residentBytes)
                    )
                }
            }
            for (index, row) in rows.enumerated() {
                add(index, row.sent, row.expected) { await onThread { row.attack(target) } }
            }
            for (index, row) in stored.enumerated() { add(rows.count + index, row.sent, row.expected, row.attack) }
            var lines: [(Int, HostileTable.Line)] = []
            for try await line in group { lines.append(line) }
            return lines.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// A process with 256 descriptors and 400 connections: those that are in are served, the others wait until there is room.
    private func exhaustDescriptors(_ url: String, _ token: String) async throws -> HostileTable.Line {
        let process = try await APIProcess.start(
            ["api", "--listen", "127.0.0.1:0"], database: url,
            environment: Self.environment.merging([
                "SWITCHBOARD_LOG_LEVEL": "info"
            ]) { $1 }, descriptors: 256)
        defer { process.send(SIGKILL) }
        let base = try await process.baseURL()
        let port = try #require(URL(string: base)?.port)
        let before = process.residentBytes
        let got = await onThread {
            let request = "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n"
            let honest = HostileConnection(port: port)
            honest.send(request)
            guard honest.statuses(1) == [200] else { return "the first is not served" }
            let others = (0..<400).map { _ in HostileConnection(port: port) }
            honest.send(request)
            guard honest.statuses(1) == [200] else { return "the first is not served any more" }
            // The idle ones are put out after their time, and whoever waited comes in.
            let late = HostileConnection(port: port)
            late.send(request)
            let statuses = late.statuses(1, seconds: 60)
            others.forEach { $0.close() }
            return statuses == [200] ? "served in turn" : HostileTarget.describe(late, statuses)
        }
        #expect(got == "served in turn", "\(process.log.suffix(1000))")
        let line = HostileTable.Line(
            sent: "400 idle connections to a process with 256 descriptors", got: got, before: before,
            after: process.residentBytes)
        #expect(try await process.stop() == 0, "\(process.log.suffix(2000))")
        return line
    }

    /// As many descriptors as there may be: the attackers are in this process.
    private func raiseDescriptorLimit() {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// Asks what anybody may ask, one request after the other, and notes what it got.
private final class HonestClient: Sendable {
    private struct State {
        var served = 0
        var failures: [String] = []
        var slowest = Duration.zero
        var isStopping = false
    }

    private let client: APIClient
    private let state = Mutex(State())

    init(_ client: APIClient) { self.client = client }

    var served: Int { state.withLock { $0.served } }
    var failures: [String] { state.withLock { $0.failures } }
    var slowest: Duration { state.withLock { $0.slowest } }

    func stop() { state.withLock { $0.isStopping = true } }

    func run() async {
        while !state.withLock({ $0.isStopping }) {
            let began = ContinuousClock.now
            var failure: String?
            do {
                let answer = try await client.get("/v1/teams")
                if answer.status != 200 { failure = "\(answer.status) \(answer.text)" }
            } catch {
                failure = "\(error)"
            }
            state.withLock { state in
                state.slowest = max(state.slowest, began.duration(to: .now))
                if let failure { state.failures.append(failure) } else { state.served += 1 }
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
}
