import ArgumentParser
import Core
import Foundation
import Store

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Brings the database to the schema of this program, or shows where it is.",
        discussion: """
            Servers migrate by themselves when they start; these are for looking, and for migrating before a roll-out. \
            Migrations only go forward. One that says `breaking: yes` makes older programs refuse the database.
            """,
        subcommands: [Up.self, Status.self])

    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Applies what is pending, each migration in a transaction of its own.",
            discussion: "Several at once are fine: one applies, the others wait and find nothing to do.")

        @OptionGroup(title: "Settings") var options: SettingsOptions

        func run() async throws {
            try await StoreCommand.run(options, schema: .any) { backend in
                let applied = try await backend.migrator.up()
                let names = Dictionary(
                    backend.migrator.migrations.map { ($0.number, $0.name) }, uniquingKeysWith: { first, _ in first })
                for number in applied { print("applied \(number) \(names[number] ?? "")") }
                if applied.isEmpty { print("nothing is pending") }
            }
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists migrations with the time they were applied at.",
            discussion: "Ends with 1 while one is pending.")

        @OptionGroup(title: "Settings") var options: SettingsOptions

        func run() async throws {
            try await StoreCommand.run(options, schema: .any) { backend in
                let applied = try await backend.migrator.status()
                let known = Set(applied.map(\.number))
                let pending = backend.migrator.migrations.filter { !known.contains($0.number) }
                let rows =
                    applied.map {
                        ["\($0.number)", $0.name, $0.isBreaking ? "yes" : "no", Timestamp.format($0.appliedAt)]
                    }
                    + pending.map { ["\($0.number)", $0.name, $0.isBreaking ? "yes" : "no", "pending"] }
                print(StoreCommand.table(["NUMBER", "NAME", "BREAKING", "APPLIED"], rows))
                if !pending.isEmpty { throw ExitCode.failure }
            }
        }
    }
}
