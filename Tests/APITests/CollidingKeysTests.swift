import Core
import Foundation
import Store
import Synchronization
import TestKit
import Testing

/// Ten thousand requests under a thousand keys, from 64 connections over two API processes, one of them killed on the
/// way: every key takes effect once, and every answer to a key is the same, byte by byte.
@Suite struct CollidingKeysTests {
    private static let requests = 10_000
    private static let keys = 1_000
    private static let connections = 64

    /// What the clients share.
    private final class Tally: Sendable {
        struct Counts {
            var next = 0
            var answers: [Int: [UInt8]] = [:]
            var replayed = 0
            var refused = 0
            var lost = 0
            var different: [String] = []
        }
        let counts = Mutex(Counts())

        func next() -> Int? {
            counts.withLock { counts in
                guard counts.next < requests else { return nil }
                defer { counts.next += 1 }
                return counts.next
            }
        }

        func note(_ key: Int, _ answer: APIAnswer) {
            counts.withLock { counts in
                if answer.headers["Idempotent-Replayed"] == "true" { counts.replayed += 1 }
                if let first = counts.answers[key], first != answer.bytes {
                    counts.different.append("\(key): \(String(decoding: first, as: UTF8.self)) \(answer.text)")
                }
                counts.answers[key] = answer.bytes
            }
        }
    }

    @Test(.timeLimit(.minutes(15))) func everyKeyTakesEffectOnce() async throws {
        try await withTestStore { store, url in
            let doomed = try await APIProcess.start(["api", "--listen", "127.0.0.1:0"], database: url)
            let survivor = try await APIProcess.start(["api", "--listen", "127.0.0.1:0"], database: url)
            let transport = APIClient.transport(connections: Self.connections)
            do {
                let token = try await store.write { try $0.createOperatorKey(name: "test").token }
                let bases = [try await doomed.baseURL(), try await survivor.baseURL()]
                let operators = bases.map { APIClient(base: $0, key: token, exchanges: nil, transport: transport) }
                let tenant = try await Tenant("Once", by: operators[1])
                var conversations: [String] = []
                for _ in 0..<20 { conversations.append(try await tenant.conversation()) }
                let clients = operators.map { $0.with(key: tenant.owner.key) }
                let (tally, places) = (Tally(), conversations)
                let started = ContinuousClock.now
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<Self.connections {
                        group.addTask {
                            while let number = tally.next() {
                                if number == Self.requests / 2 { doomed.send(SIGKILL) }
                                try await Self.send(number, clients, places, tally)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let took = ContinuousClock.now - started
                let counts = tally.counts.withLock { $0 }
                print(
                    "colliding keys: \(Self.requests) requests, \(Self.keys) keys in \(took):",
                    "\(counts.replayed) replayed,",
                    "\(counts.refused) times 409 while running, \(counts.lost) lost with the killed process")
                #expect(counts.different.prefix(3) == [])
                #expect(counts.answers.count == Self.keys)
                #expect(doomed.exitCode == -1 && counts.lost > 0, "nobody noticed that a process was killed")
                #expect(counts.refused > 0, "no two requests with one key met")
                #expect(counts.replayed >= Self.requests - Self.keys)
                try await requireOnce(store, tenant)
            } catch {
                doomed.send(SIGKILL)
                survivor.send(SIGKILL)
                throw error
            }
            await transport.close()
            #expect(try await survivor.stop() == 0, "\(survivor.log.suffix(2000))")
            #expect(!survivor.log.contains(#""level":"error""#))
        }
    }

    /// Ten requests in a row have one key, so that they meet. Repeats at the other process until it is answered.
    private static func send(
        _ number: Int, _ clients: [APIClient], _ conversations: [String], _ tally: Tally
    ) async throws {
        let key = number / (requests / keys)
        let name = JSON.string("key-\(key)")
        let conversation = "/v1/conversations/\(conversations[key % conversations.count])"
        let (path, body): (String, JSON) =
            switch key % 5 {
            case 0: ("/v1/contacts", ["name": name])
            case 1: ("/v1/agents", ["name": name])
            case 2: ("/v1/api-keys", ["name": name, "role": "viewer"])
            case 3: ("\(conversation)/messages", ["text": name])
            default: ("\(conversation)/comments", ["text": name])
            }
        var process = number % 2
        for _ in 0..<2_000 {
            do {
                let answer = try await clients[process].with("Idempotency-Key", "k\(key)").post(path, body)
                switch answer.status {
                case 201: return tally.note(key, answer)
                case 409:
                    try #require(answer.problem == "idempotency-key-in-use", "\(answer.text)")
                    tally.counts.withLock { $0.refused += 1 }
                    // `Retry-After` is in whole seconds; a test need not be so patient.
                    try await Task.sleep(for: .milliseconds(2))
                default: try #require(answer.status == 503, "\(answer.status) \(answer.text)")
                }
            } catch let error as ExpectationFailedError {
                throw error
            } catch {
                // The process is gone, and whether it did what was asked is not known.
                tally.counts.withLock { $0.lost += 1 }
                process = 1
            }
        }
        Issue.record("key \(key) was never answered")
    }

    private func requireOnce(_ store: Store, _ tenant: Tenant) async throws {
        let workspace = try #require(UUID(uuidString: tenant.id))
        for (table, column) in [
            ("contacts", "name"), ("agents", "name"), ("api_keys", "name"), ("messages", "text"), ("comments", "text"),
        ] {
            let rows = try await store.rows(
                """
                SELECT count(*) AS made, count(DISTINCT \(column)) AS keys FROM \(table)
                WHERE workspace_id = $1 AND \(column) LIKE 'key-%'
                """, [workspace])
            let row = try #require(rows.first)
            let (made, keys): (Int, Int) = (try row.decode("made"), try row.decode("keys"))
            #expect(made == Self.keys / 5 && keys == made, "\(table): \(made) of \(keys) keys")
        }
        let kept: Int = try await store.value(
            "SELECT count(*) AS count FROM idempotency_keys WHERE workspace_id = $1 AND status IS NOT NULL",
            [workspace])
        #expect(kept == Self.keys)
    }
}
