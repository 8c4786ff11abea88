import Foundation
import Logging
import Postgres
import Synchronization
import TestKit
import Testing

@Suite struct LossTests {
    @Test func listenersComeBackAndSaySo() async throws {
        try await withDatabase { database in
            var heard = database.listen(["odd \"name\"", "other"]).makeAsyncIterator()
            #expect(await heard.next()?.kind == .connected)
            database.notify("odd \"name\"", "one")
            let first = await heard.next()
            #expect(first?.payload == "one")
            #expect(first?.channel == "odd \"name\"")
            let kill = sql(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND query LIKE 'LISTEN%'
                """)
            let killed = try await database.read(kill)
            #expect(killed.count == 1)
            #expect(await heard.next()?.kind == .connected)
            for _ in 0..<100 { database.notify("other", "same") }
            database.notify("other", "last")
            var payloads: [String] = []
            while payloads.last != "last", let next = await heard.next() { payloads.append(next.payload) }
            #expect(payloads.count < 20, "equal notifications travel together")
            #expect(database.statistics.listeners == 1)
            await database.close()
            #expect(await heard.next() == nil)
        }
    }

    @Test func anAbsentServerFailsCallersSoonAndStartInItsTime() async throws {
        let cluster = try await TestCluster.start()
        try await withDatabase(at: cluster.url, { $0.awayTimeout = .milliseconds(200) }) { database in
            #expect(try await database.int("SELECT 1") == 1)
            try await cluster.stop()
            try await eventually("the loss is seen") { database.statistics.read.connected == 0 }
            let started = ContinuousClock.now
            let read = try await failure { _ = try await database.int("SELECT 1") }
            let write = try await failure { try await database.transaction { _ = try $0.query(sql("SELECT 1")) } }
            #expect(read.kind == .connection)
            #expect(write.kind == .connection)
            #expect(ContinuousClock.now - started < .seconds(3))
            let late = Database(
                configuration: configuration(cluster.url) { $0.startTimeout = .milliseconds(300) }, logger: silent)
            #expect(try await failure { try await late.start() }.kind == .connection)
            try await cluster.start()
            try await eventually("reads work again") { (try? await database.int("SELECT 1")) == 1 }
        }
        try await cluster.remove()
    }

    @Test func aConnectionStringThatCannotBeReadIsNotRepeated() async throws {
        let database = Database(
            configuration: configuration("postgresql://user:hush@host/db?nonsense=1"), logger: silent)
        let error = try await failure { try await database.start() }
        #expect(error.kind == .configuration)
        #expect(!error.debugDescription.contains("hush"))
    }

    @Test func aServerRestartedUnderTrafficLosesAndDoublesNothing() async throws {
        let cluster = try await TestCluster.start()
        try await withDatabase(at: cluster.url) { database in
            try await Scenario.serverRestartedUnderTraffic(database, cluster)
        }
        try await cluster.remove()
    }

    /// In a process of its own: descriptors and memory are counted for a whole process.
    @Test func nothingIsLeftBehindRoundAfterRound() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            let cluster = try await TestCluster.start()
            var descriptors: [[String]] = []
            var memory: [Int] = []
            var growth = Double.infinity
            // The first rounds fill caches: threads' stacks, the allocator's arenas, the runtime's metadata.
            for round in 0..<10 where round < 5 || growth > 1.05 {
                try await withDatabase(at: cluster.url, { $0.readConnections = 4 }) { database in
                    try await Scenario.serverRestartedUnderTraffic(database, cluster)
                    try await Scenario.backendTerminatedMidPipeline(database)
                    try await Scenario.failingStatementAmidHundredCallers(database)
                    try await Scenario.twoThousandCallers(database)
                }
                // A thread lets go of what it held a moment after it was seen to end.
                if round > 1 {
                    try await eventually("descriptors as before: \(descriptors)") {
                        openDescriptors() == descriptors[1]
                    }
                } else {
                    try await Task.sleep(for: .milliseconds(500))
                }
                descriptors.append(openDescriptors())
                memory.append(residentKilobytes())
                if round > 0 { growth = Double(memory[round]) / Double(memory[round - 1]) }
            }
            #expect(growth <= 1.05, "resident after each round: \(memory) kB")
            print("resident after each round: \(memory) kB; descriptors: \(descriptors.map(\.count))")
            try await cluster.remove()
        }
        let lines = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self).split(separator: "\n")
        print(lines.last { $0.hasPrefix("resident") } ?? "nothing was measured")
    }
}

func residentKilobytes() -> Int {
    let statm = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    return (statm.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4
}
