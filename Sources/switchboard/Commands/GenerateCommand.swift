import ArgumentParser
import Core
import Foundation
import Logging

struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Writes a realistic history into the database: for trying reports, and for measuring at size.",
        discussion: """
            New workspaces of very different size, in several time zones, each with teams, agents who work in shifts (some \
            of whom left), channels and a published workflow. Contacts write in the rhythm of days and weeks and come \
            back; the workflow greets and routes them; agents answer, hand over and close; at night and in rush hours \
            conversations wait in line. Everything keeps the invariants (switchboard check --data says so), and what is \
            still open at the end goes on when a worker runs.

            The same arguments make the same history, but for the ids of people and things. Existing data is not touched. \
            A million conversations take about 18 GB; more than the disk can hold is refused.

              switchboard generate --conversations 20000 --days 30 --workspaces 3 --seed 1
            """)

    @Option(help: "Conversations over all workspaces, 1 to 50000000.")
    var conversations = 10_000

    @Option(help: "Days that the history covers, 1 to 3650; it ends now.")
    var days = 30

    @Option(help: "Workspaces, 1 to 100; each has a fifth of the one before.")
    var workspaces = 3

    @Option(help: "Begins the randomness: the same number, the same history.")
    var seed = 1

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let plan = try checked(end: Date())
        try await StoreCommand.run(options) { backend in
            try await FreeSpace.check(plan, backend.database)
            let bar = Progress(ProgressBar(total: plan.conversations))
            let began = ContinuousClock.now
            let writer = HistoryWriter(store: backend.store, migrator: backend.migrator, plan: plan)
            let outcomes = try await writer.write { bar.show($0) }
            bar.clear()
            print(Self.table(outcomes))
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            print("\(outcomes.reduce(0) { $0 + $1.rows }) rows in \(Int(seconds.rounded(.up))) s")
        }
    }

    /// Everything that is wrong with the arguments, at once.
    private func checked(end: Date) throws -> HistoryPlan {
        var mistakes: [String] = []
        if !(1...50_000_000).contains(conversations) { mistakes.append("--conversations must be 1 to 50000000") }
        if !(1...3650).contains(days) { mistakes.append("--days must be 1 to 3650") }
        if !(1...100).contains(workspaces) { mistakes.append("--workspaces must be 1 to 100") }
        if workspaces > conversations { mistakes.append("--workspaces: there must be a conversation for each") }
        guard mistakes.isEmpty else { throw ValidationError(mistakes.joined(separator: "\n")) }
        return HistoryPlan(
            conversations: conversations, days: days, workspaces: workspaces,
            seed: UInt64(bitPattern: Int64(seed)), end: end)
    }

    private static func table(_ outcomes: [HistoryWriter.Outcome]) -> String {
        StoreCommand.table(
            ["WORKSPACE", "ID", "CONVERSATIONS", "CONTACTS", "OPEN", "IN LINE"],
            outcomes.map {
                [
                    $0.name, $0.workspace.lowercased, "\($0.conversations)", "\($0.contacts)", "\($0.open)",
                    "\($0.waiting)",
                ]
            })
    }

    /// The bar, drawn by the one task that writes.
    private final class Progress {
        private var bar: ProgressBar
        init(_ bar: ProgressBar) { self.bar = bar }
        func show(_ done: Int) { bar.show(done, "\(done) conversations") }
        func clear() { bar.clear() }
    }
}
