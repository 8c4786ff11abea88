import Core
import Engine
import Foundation
import Postgres
import Store
import Synchronization
import TestKit
import Testing

/// Two batches of a workspace in flight in each of two processes: nobody's messages change places (S5).
@Suite struct IngestOrderTests {
    private static let senders = (0..<7).map { "sender-\($0)" }

    @Test(.timeLimit(.minutes(15)))
    func burstsKeepEverySendersOrder() async throws {
        try await withTestStore { store, url in
            let scenario = try await Scenario(store)
            let (team, _) = try await scenario.team(limits: [nil])
            try await scenario.publishAssign(to: team)
            let overlaps = [Overlap(), Overlap()]
            var stores: [Store] = []
            for _ in overlaps { stores.append(try await openTestStore(url)) }
            let combiners = zip(stores, overlaps).map { store, overlap in
                IngestCombiner(
                    store: store, logger: TestDatabase.silentLogger, batch: 5, maximumWait: .seconds(600),
                    probe: overlap.passed)
            }
            let before = try await deadlocks(store)
            var sent: [String: Int] = [:]
            var accepted: Set<String> = []
            for round in 0..<12 {
                // A sender's messages change the process when the ones before are answered, as a channel would.
                let bursts = combiners.indices.map { process in
                    let mine = Self.senders.indices.filter { ($0 + round) % 2 == process }.map { Self.senders[$0] }
                    return (0..<40).map { _ in
                        // Now and then several messages in one call, also of one sender.
                        (0..<(Bool.random() ? 1 : Int.random(in: 1...4))).compactMap { _ in
                            mine.randomElement().map { sender in
                                sent[sender, default: 0] += 1
                                let number = "\(sent[sender, default: 0])"
                                return scenario.message(sender, number, id: "\(sender) \(number)")
                            }
                        }
                    }
                }
                let results = try await withThrowingTaskGroup(of: [InboundResult].self) { group in
                    for (combiner, calls) in zip(combiners, bursts) {
                        group.addTask { try await combiner.burst(calls, in: scenario.workspace) }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(results.allSatisfy { $0.status == .accepted })
                accepted.formUnion(results.map(\.messageID))
            }
            #expect(accepted.count > 300)
            // Their counts of deadlocks are written at the latest when they close.
            for store in stores { await store.database.close() }

            let rows = try await store.rows(
                """
                SELECT c.name, m.text::integer AS number, m.conversation_id,
                    row_number() OVER (PARTITION BY m.contact_id ORDER BY m.id) AS by_id
                FROM messages m JOIN contacts c ON c.workspace_id = $1 AND c.id = m.contact_id
                    JOIN events e ON e.workspace_id = $1 AND e.conversation_id = m.conversation_id
                        AND e.type = 'message.received' AND e.data ->> 'message_id' = m.id::text
                WHERE m.workspace_id = $1
                ORDER BY c.name, e.sequence
                """, [scenario.workspace])
            var stored: [String: [Int]] = [:]
            var ranks: [String: [Int]] = [:]
            var conversations: Set<UUID> = []
            for row in rows {
                stored[try row.decode("name"), default: []].append(try row.decode("number"))
                ranks[try row.decode("name"), default: []].append(try row.decode("by_id"))
                conversations.insert(try row.decode("conversation_id"))
            }
            for sender in Self.senders {
                let numbers = (1...(sent[sender] ?? 1)).filter { accepted.contains("\(sender) \($0)") }
                #expect(stored["Contact \(sender)"] == numbers, "\(sender)")
                #expect(ranks["Contact \(sender)"] == Array(1...numbers.count), "\(sender)")
            }
            #expect(conversations.count == Self.senders.count)
            #expect(try await store.value("SELECT count(*) AS count FROM runs") == Self.senders.count)
            #expect(try await deadlocks(store) == before)
            #expect(overlaps.allSatisfy { $0.most == IngestCombiner.maximumUnderWay }, "\(overlaps.map(\.most))")
            try await scenario.requireConsistency()
        }
    }

    /// A batch that hangs holds up its own senders and nobody else.
    @Test(.timeLimit(.minutes(15)))
    func aBatchThatHangsHoldsUpItsSendersAlone() async throws {
        try await withTestStore { store, url in
            let scenario = try await Scenario(store)
            // However long this test takes: it is not the lock's time-out that it is about.
            let patient = try await openTestStore(url, lockTimeout: .seconds(120))
            let combiner = IngestCombiner(store: patient, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            _ = try await combiner.accept([scenario.message("held", "1")], in: scenario.workspace)
            func say(_ messages: InboundEvent...) -> Task<[InboundResult], any Error> {
                Task { try await combiner.accept(messages, in: scenario.workspace) }
            }
            var behind: [Task<[InboundResult], any Error>] = []
            try await store.whileHolding("SELECT id FROM contacts FOR UPDATE") {
                behind.append(say(scenario.message("held", "2")))
                #expect(try await store.oneWaitsForALock())
                behind.append(say(scenario.message("behind", "1"), scenario.message("held", "3")))
                for number in 1...3 {
                    let free = try await say(scenario.message("free", "\(number)")).value
                    #expect(free.map(\.status) == [.accepted])
                }
                #expect(try await store.value("SELECT count(*) AS count FROM messages") == 4)
            }
            for call in behind { #expect(try await call.value.allSatisfy { $0.status == .accepted }) }
            let texts = try await store.rows(
                """
                SELECT m.text FROM messages m JOIN contacts c ON c.id = m.contact_id
                WHERE c.name = 'Contact held' ORDER BY m.id
                """
            ).map { try $0.decode("text", as: String.self) }
            #expect(texts == ["1", "2", "3"])
            await patient.database.close()
            try await scenario.requireConsistency()
        }
    }

    private func deadlocks(_ store: Store) async throws -> Int {
        try await store.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    }
}

/// How many batches of one combiner were about to commit at the same time, each made to take a moment longer.
private final class Overlap: Sendable {
    private let counts = Mutex((now: 0, most: 0))
    var most: Int { counts.withLock { $0.most } }

    @Sendable func passed(_ point: String) {
        counts.withLock {
            $0.now += point == "ingest.before_commit" ? 1 : -1
            $0.most = max($0.most, $0.now)
        }
        if point == "ingest.before_commit" { Thread.sleep(forTimeInterval: 0.003) }
    }
}

extension IngestCombiner {
    /// Makes the calls in this order: tasks made on an actor are begun in turn. The pauses let batches set out in between.
    /// - Returns: the results of the calls that were not refused because too much waited.
    fileprivate func burst(_ calls: [[InboundEvent]], in workspace: UUID) async throws -> [InboundResult] {
        var tasks: [Task<[InboundResult], any Error>] = []
        for (index, call) in calls.enumerated() {
            tasks.append(Task { try await self.accept(call, in: workspace) })
            if index % 5 == 4 { try await Task.sleep(for: .milliseconds(Int.random(in: 0...3))) }
        }
        var results: [InboundResult] = []
        for task in tasks {
            do {
                results += try await task.value
            } catch let error as PostgresError where error.kind == .overloaded {}
        }
        return results
    }
}
