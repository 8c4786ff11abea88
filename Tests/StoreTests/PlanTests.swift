import Core
import Foundation
import Postgres
import Store
import TestKit
import Testing

/// What statements touch in a database of real size: 1,000,000 messages, 100,000 conversations, three workspaces.
@Suite("Plans", .serialized)
struct PlanTests {
    /// Pages, hit or read: at most 20 for each row that is returned or written, and 50 besides. A row that is written also has
    /// to be put into each index of its table: the way down from the root, and the leaf.
    private static let perRow = 20.0
    private static let besides = 50.0
    private static let perIndexEntry = 4.0

    @Test("every statement touches at most 20 pages a row and 50 besides", .timeLimit(.minutes(10)))
    func statements() async throws {
        let library = try ProjectRoot.statements.get()
        let given = try PlanArguments.text.split(separator: "\n").map { line in
            let words = line.split(separator: " ").map(String.init)
            return try PlanCall(words[0], Array(words.dropFirst()), library)
        }
        let explained = Set(given.map(\.name)).union(PlanFilters.all.flatMap(\.statements))
        for name in library.all.map(\.name) {
            let isLeftOut = PlanArguments.leftOut.keys.contains { name.hasPrefix($0) }
            #expect(explained.contains(name) != isLeftOut, "\(name) has no arguments to be explained with")
        }
        // Nobody but the API runs most of them; the worker runs them all as the owner.
        try await expectBounded(given, as: [.owner, .api])
    }

    /// Values that have much, little and nothing, and of two that have much one that the other never meets.
    @Test("every list, with every filter and every pair of filters, keeps the same bound", .timeLimit(.minutes(10)))
    func filters() async throws {
        let library = try ProjectRoot.statements.get()
        let calls = try PlanFilters.all.flatMap { try $0.calls(library) }
        #expect(calls.count > 2000)
        try await expectBounded(calls, as: [.api])
    }

    private func expectBounded(_ calls: [PlanCall], as roles: [PlanProbe.Role]) async throws {
        try await withTestDatabase(template: try Self.template()) { url in
            let database = Database.admin(DatabaseConfiguration(url: url), logger: TestDatabase.silentLogger)
            // Told here and not in the session, whose thread belongs to no test.
            let excesses = try await database.session { session in
                for statement in Set(calls.map(\.statement)) { try PlanProbe.prepare(session, statement) }
                var excesses: [String] = []
                for workspace in try PlanProbe.workspaces(session) {
                    let probe = try PlanProbe(session, workspace: workspace)
                    for call in calls {
                        for (role, mode) in roles.flatMap({ role in call.modes.map { (role, $0) } }) {
                            guard let plan = try probe.explain(call, mode, as: role) else { continue }
                            let limit = Self.perRow * plan.rows + Self.perIndexEntry * plan.indexEntries + Self.besides
                            if plan.pages <= limit { continue }
                            excesses.append(
                                "\(call.description) in \(workspace) as \(role), plan \(mode): \(plan.pages) pages, \(plan.rows) rows"
                            )
                        }
                    }
                }
                return excesses
            }
            for excess in excesses { Issue.record("\(excess)") }
        }
    }

    /// Built once a server, then cloned; a changed migration or seed gives a new one. The day is part of the name, since
    /// what is due and how old things are goes by the clock.
    static func template(sizes: String = planSizes) throws -> TestDatabaseTemplate {
        let seed = planSeed(sizes)
        let migrations = try ProjectRoot.migrations.get()
        let day = String(Int(Date().timeIntervalSince1970) / 43_200)
        return TestDatabaseTemplate(
            name: "plans_" + TestDatabaseTemplate.hash(migrations.map(\.sql) + [seed, day])
        ) { url in
            var configuration = DatabaseConfiguration(url: url)
            configuration.readConnections = 1
            configuration.transactionConnections = 1
            let database = Database(configuration: configuration, logger: TestDatabase.silentLogger)
            try await database.start()
            try await Migrator(migrations: migrations, database: database, logger: TestDatabase.silentLogger).up()
            await database.close()
            let admin = Database.admin(DatabaseConfiguration(url: url), logger: TestDatabase.silentLogger)
            try await admin.execute(seed)
            try await admin.execute("VACUUM ANALYZE")
        }
    }
}
