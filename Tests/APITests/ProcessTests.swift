import Core
import Foundation
import Store
import TestKit
import Testing

/// The program itself, as several processes on one database.
@Suite(.serialized) struct ProcessTests {
    /// Two hundred first messages of one new contact at once over two API processes, and again racing the close of the
    /// conversation before: one open conversation, one opened event an opening, one run an opening.
    @Test(.timeLimit(.minutes(15))) func firstMessagesOverTwoProcesses() async throws {
        try await withTestStore { store, url in
            let processes = [
                try await APIProcess.start(["api", "--listen", "127.0.0.1:0"], database: url),
                try await APIProcess.start(["api", "--listen", "127.0.0.1:0"], database: url),
                try await APIProcess.start(["worker"], database: url),
            ]
            let exchanges = APIExchanges()
            let transport = APIClient.transport(connections: 100)
            do {
                let token = try await store.write { try $0.createOperatorKey(name: "test").token }
                var clients: [APIClient] = []
                for process in processes.prefix(2) {
                    clients.append(
                        APIClient(
                            base: try await process.baseURL(), key: token, exchanges: exchanges, transport: transport))
                }
                try await race(store, clients)
            } catch {
                for process in processes { process.send(SIGKILL) }
                throw error
            }
            await transport.close()
            for process in processes { process.send(SIGTERM) }
            for process in processes { #expect(try await process.stop() == 0, "\(process.log.suffix(2000))") }
            for process in processes {
                let errors = process.log.split(separator: "\n").filter { $0.contains(#""level":"error""#) }
                #expect(errors == [])
            }
            #expect(try await exchanges.check().failures == [])
        }
    }

    private func race(_ store: Store, _ clients: [APIClient]) async throws {
        let tenant = try await Tenant("Race", by: clients[0])
        let team = try await tenant.team("Cards", [try await tenant.agent()])
        let workflow = try await tenant.workflow([Tenant.assign(team)])
        try await tenant.owner.post("/v1/workflows/\(workflow)/publish").expect(200)
        let path = "/v1/channels/\(tenant.channel)/inbound"
        let senders = clients.map { $0.with(key: tenant.inbound.key) }
        let openings = try await rounds(20) { round in
            let answers = try await storm(senders, path, "contact-\(round)", closing: nil)
            #expect(Set(answers.map { $0["conversation_id"] }).count == 1)
            #expect(answers.count { $0["opened"] == true } == 1)
            return 1
        }
        #expect(openings == 20)
        let raced = try await rounds(20) { round in
            let contact = "again-\(round)"
            let first = try await tenant.conversation(contact)
            let answers = try await storm(senders, path, contact, closing: (tenant.owner, first))
            let conversations = Set(answers.compactMap { $0["conversation_id"]?.string })
            #expect(conversations.subtracting([first]).count <= 1, "\(conversations)")
            #expect(answers.count { $0["opened"] == true } == conversations.subtracting([first]).count)
            return 1 + conversations.subtracting([first]).count
        }
        let workspace = try #require(UUID(uuidString: tenant.id))
        let total: Int = try await store.value(
            "SELECT count(*) AS count FROM conversations WHERE workspace_id = $1", [workspace])
        #expect(total == openings + raced)
        #expect(
            try await eventually {
                try await store.value("SELECT count(*) AS count FROM runs WHERE status = 'candidate'") == 0
            })
        let runs = "SELECT count(*) AS count FROM (SELECT DISTINCT conversation_id FROM runs) r"
        #expect(try await store.value("SELECT count(*) AS count FROM runs") == total)
        #expect(try await store.value(runs) == total)
        #expect(
            try await store.value("SELECT count(*) AS count FROM messages WHERE direction = 'incoming'")
                == 20 * 200 + 20 * 201)
        let scenario = Scenario(
            store: store, workspace: workspace, channel: try #require(UUID(uuidString: tenant.channel)))
        // Runs that were racing the close end in their own time.
        _ = try await eventually { try await scenario.violations().isEmpty }
        try await scenario.requireConsistency()
    }

    private func rounds(_ count: Int, _ body: (Int) async throws -> Int) async throws -> Int {
        var sum = 0
        for round in 0..<count { sum += try await body(round) }
        return sum
    }

    /// Two hundred messages at the same instant, half over each process, every one accepted.
    private func storm(
        _ senders: [APIClient], _ path: String, _ contact: String, closing: (APIClient, String)?
    ) async throws -> [JSON] {
        try await withThrowingTaskGroup(of: JSON?.self) { group in
            for index in 0..<200 {
                var sender = senders[index % senders.count]
                // Two answers of two hundred are held against the contract; the others are like them.
                if index > 1 { sender.exchanges = nil }
                group.addTask { [sender] in
                    let events: JSON = ["events": [Tenant.event(contact, "message \(index)")]]
                    // On a machine that is late some are told when to come back, as a channel then does; nothing else is 503.
                    var answer = try await sender.post(path, events)
                    while answer.problem == "overloaded" {
                        let seconds = try #require(answer.headers["Retry-After"].flatMap { Int($0) })
                        try await Task.sleep(for: .seconds(seconds))
                        answer = try await sender.post(path, events)
                    }
                    return try #require(answer.expect(200)["results"]?[0])
                }
                if index == 70, let (client, conversation) = closing {
                    group.addTask {
                        try await client.post("/v1/conversations/\(conversation)/close", [:]).expect(200)
                        return nil
                    }
                }
            }
            let answers = try await group.reduce(into: [JSON]()) { if let answer = $1 { $0.append(answer) } }
            #expect(answers.count == 200)
            #expect(answers.allSatisfy { $0["status"] == "accepted" && $0["conversation_id"] != .null })
            return answers
        }
    }

    /// The database goes away under a running API: 503 until it is back, then all is well without a restart.
    @Test(.timeLimit(.minutes(15))) func databaseGoesAwayAndComesBack() async throws {
        let cluster = try await TestCluster.start()
        do {
            let process = try await APIProcess.start(["api", "--listen", "127.0.0.1:0"], database: cluster.url)
            let exchanges = APIExchanges()
            let transport = APIClient.transport()
            let base = try await process.baseURL()
            let token = try await operatorKey(cluster.url)
            let operators = APIClient(base: base, key: token, exchanges: exchanges, transport: transport)
            let tenant = try await Tenant("Outage", by: operators)
            try await operators.get("/readyz").expect(200)
            var made = 0
            for mode in [TestCluster.StopMode.fast, .immediate] {
                made += 1
                try await tenant.owner.post("/v1/teams", ["name": .string("Before \(made)")]).expect(201)
                try await cluster.stop(mode)
                for (method, path, body) in [
                    ("GET", "/v1/teams", nil), ("POST", "/v1/teams", ["name": "Lost"]),
                    ("POST", "/v1/channels/\(tenant.channel)/inbound", ["events": [Tenant.event("x")]]),
                    ("GET", "/readyz", nil),
                ] as [(String, String, JSON?)] {
                    let started = ContinuousClock.now
                    let answer = try await tenant.owner.send(method, path, body)
                    answer.refused(503, "unavailable", [], "\(method) \(path)")
                    #expect(answer.headers["Retry-After"].flatMap { Int($0) } ?? 0 >= 1)
                    #expect(ContinuousClock.now - started < .seconds(20), "\(method) \(path)")
                }
                try await operators.get("/healthz").expect(200)
                try await cluster.start()
                #expect(try await eventually { try await operators.get("/readyz").status == 200 })
                #expect(try await eventually { try await tenant.owner.get("/v1/teams").status == 200 })
                let name = "After \(made)"
                #expect(
                    try await eventually {
                        try await tenant.owner.post("/v1/teams", ["name": .string(name)]).status == 201
                    })
                made += 1
                #expect(try await tenant.receive([Tenant.event("back-\(made)")])[0]["status"] == "accepted")
            }
            let names = try await tenant.owner.get("/v1/teams").expect(200).items.compactMap { $0["name"]?.string }
            #expect(names.count == made && !names.contains("Lost"), "\(names)")
            #expect(process.exitCode == nil)
            await transport.close()
            #expect(try await process.stop() == 0)
            #expect(try await exchanges.check().failures == [])
        } catch {
            try await cluster.remove()
            throw error
        }
        try await cluster.remove()
    }

    private func operatorKey(_ url: String) async throws -> String {
        let store = try await openTestStore(url)
        let token = try await store.write { try $0.createOperatorKey(name: "test").token }
        await store.database.close()
        return token
    }

    /// No database at the start: says so, tries until the limit, then gives up with a reason and a code.
    @Test(.timeLimit(.minutes(15)), arguments: ["api", "worker"])
    func noDatabaseAtTheStart(command: String) async throws {
        let nowhere = "host=/tmp/switchboard-nowhere-\(getpid()) port=5432 user=postgres dbname=postgres"
        let started = ContinuousClock.now
        let process = try await APIProcess.start(
            [command], database: nowhere,
            environment: ["SWITCHBOARD_DATABASE_LIMIT": "PT2S", "SWITCHBOARD_LISTEN": "127.0.0.1:0"])
        #expect(try await eventually(within: .seconds(30)) { process.exitCode != nil })
        let took = ContinuousClock.now - started
        #expect(took > .seconds(2) && took < .seconds(20), "\(took)")
        #expect((process.exitCode ?? 0) > 0, "\(process.exitCode ?? 0)")
        #expect(process.log.contains("waiting for the database"), "\(process.log)")
        #expect(process.log.contains("gave up waiting for the database"), "\(process.log)")
        #expect(!process.log.contains("Fatal error"))
    }
}
