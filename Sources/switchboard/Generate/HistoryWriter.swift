import Core
import Foundation
import Logging
import Postgres
import Store

/// Writes generated histories: rows by COPY in transactions of some ten thousand, the end of each history by updates.
struct HistoryWriter: Sendable {
    /// What came of one workspace.
    struct Outcome: Sendable {
        var workspace: UUID
        var name: String
        var conversations = 0
        var contacts = 0
        var rows = 0
        var open = 0
        var waiting = 0
    }

    let store: Store
    let migrator: Migrator
    let plan: HistoryPlan

    /// Rows in one transaction: few enough to hold in memory beside the next ones, enough that commits cost nothing.
    private static let rowsPerTransaction = 60_000

    /// - Parameter progress: told how many conversations have begun, over all workspaces.
    func write(progress: (Int) -> Void) async throws -> [Outcome] {
        try await migrator.makePartitions(from: plan.start, to: plan.end)
        var outcomes: [Outcome] = []
        for (index, share) in plan.shares.enumerated() {
            let before = outcomes.reduce(0) { $0 + $1.conversations }
            outcomes.append(try await writeWorkspace(index, share) { progress(before + $0) })
        }
        return outcomes
    }

    private func writeWorkspace(_ index: Int, _ share: Int, _ progress: (Int) -> Void) async throws -> Outcome {
        var random = SplitMix64(seed: plan.seed(ofWorkspace: index))
        guard let zone = LocalZone(identifier: HistoryPlan.zones[index % HistoryPlan.zones.count]) else {
            preconditionFailure("the list of zones holds a name that is none")
        }
        let rhythm = Rhythm(zone: zone, from: plan.start, hours: plan.days * 24)
        let name = "Generated \(plan.seed)-\(index + 1)"
        let directory = try await HistoryDirectory.make(
            name: name, zone: zone, conversations: share, rhythm: rhythm, using: &random, into: store)
        var simulation = HistorySimulation(
            directory, conversations: share, rhythm: rhythm, plan: plan, random: random)
        var outcome = Outcome(workspace: directory.workspace, name: name)
        while let batch = simulation.advance(rows: Self.rowsPerTransaction) {
            outcome.rows += try await copy(batch)
            progress(simulation.opened)
        }
        outcome.conversations = simulation.opened
        outcome.contacts = simulation.people.count
        outcome.open = simulation.lives.count { $0 != nil }
        outcome.waiting = simulation.lines.reduce(0) { $0 + $1.entries.count }
        outcome.rows += try await copy(simulation.finish())
        try await settle(simulation)
        return outcome
    }

    /// - Returns: how many rows were written.
    private func copy(_ batch: HistoryBatch) async throws -> Int {
        try await store.database.transaction { transaction in
            var written = 0
            for table in HistoryTable.allCases {
                guard let rows = batch.rows[table] else { continue }
                written += try transaction.copyIn(table.rawValue, columns: table.columns, rows: rows)
            }
            return written
        }
    }

    private func settle(_ simulation: HistorySimulation) async throws {
        let (directory, seats, lines) = (simulation.directory, simulation.seats, simulation.lines)
        let workspace = directory.workspace
        let leavers = seats.indices.filter { seats[$0].leavesAt < simulation.end }
        try await store.write { tx in
            try tx.send(
                "generate_settle_agents",
                [
                    workspace, seats.map(\.member.id), seats.map(\.openCount),
                    seats.indices.map { leavers.contains($0) ? "offline" : seats[$0].presence.rawValue },
                    seats.map { Timestamp.date(microsecondsSince1970: $0.presenceChangedAt) },
                ])
            let turns = seats.flatMap { seat in
                seat.turns.map { (directory.teams[$0.key].id, seat.member.id, $0.value) }
            }
            try tx.send(
                "generate_settle_members", [workspace, turns.map(\.0), turns.map(\.1), turns.map(\.2)])
            try tx.send("generate_settle_lines", [workspace, directory.teams.map(\.id), lines.map(\.lastTurn)])
        }
        let known = simulation.people.compactMap { person in person.lastAgent.map { (person.id, $0) } }
        for start in stride(from: 0, to: known.count, by: 20_000) {
            let part = Array(known[start..<min(start + 20_000, known.count)])
            try await store.write { tx in
                _ = try tx.send("generate_settle_contacts", [workspace, part.map(\.0), part.map(\.1)])
            }
        }
        for leaver in leavers where seats[leaver].openCount == 0 {
            try await store.write {
                try $0.deleteAgent(seats[leaver].member.id, releasing: nil, by: .system, in: workspace)
            }
        }
        // Of tens of gigabytes on a slow disk it takes minutes.
        let patient = TransactionOptions(statementTimeout: .seconds(3600))
        try await store.database.transaction(patient) { try $0.runScript("ANALYZE") }
    }
}
