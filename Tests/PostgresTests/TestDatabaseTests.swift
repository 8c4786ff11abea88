import Foundation
import Postgres
import Synchronization
import TestKit
import Testing

@Suite struct TestDatabaseTests {
    @Test func aTemplateIsBuiltOnceAndEveryTestHasItsOwnCopy() async throws {
        let builds = Mutex(0)
        let name = "self_\(TestDatabaseTemplate.hash([UUID().uuidString]))"
        let template = TestDatabaseTemplate(name: name) { url in
            builds.withLock { $0 += 1 }
            try await Database.admin(configuration(url), logger: silent).execute(
                "CREATE TABLE thing (a int PRIMARY KEY)")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    try await withTestDatabase(template: template) { url in
                        #expect(TestDatabase.current == url)
                        let admin = Database.admin(configuration(url), logger: silent)
                        try await admin.execute("INSERT INTO thing VALUES (1)")
                        // CREATE DATABASE cannot be part of a transaction; neither can this.
                        try await admin.execute("VACUUM thing")
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(builds.withLock { $0 } == 1)
        try await withTestDatabase { url in
            let rows = try await Database.admin(configuration(url), logger: silent)
                .execute("SELECT 1 FROM pg_database WHERE datname LIKE '%\(name)' AND datname NOT LIKE '%\\_tpl\\_%'")
            #expect(rows?.count == 0)
            try await Database.admin(configuration(url), logger: silent).execute("DROP DATABASE sbt_tpl_\(name)")
        }
    }

    @Test func aSessionKeepsItsLocksAcrossTransactions() async throws {
        try await withTestDatabase { url in
            let admin = Database.admin(configuration(url), logger: silent)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        try await admin.session { session in
                            try session.query(sql("SELECT pg_advisory_lock(42)"))
                            try session.transaction { tx in
                                try tx.runScript(
                                    "CREATE TABLE IF NOT EXISTS holder (n int); INSERT INTO holder VALUES (\(number))")
                            }
                            let others = try session.query(sql("SELECT n FROM holder WHERE n <> $1"), [number])
                            #expect(others.isEmpty)
                            try session.execute("DELETE FROM holder")
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
