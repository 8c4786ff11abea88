import ArgumentParser
import Core
import Foundation
import Store

struct WorkspacesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workspaces", abstract: "Makes and lists workspaces, the tenants of this installation.",
        subcommands: [Create.self, List.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a workspace and prints its first owner key, this once.",
            discussion: """
                Prints two lines: the workspace's id, and the key.

                  switchboard workspaces create Acme --time-zone Europe/Madrid
                """)

        @Argument(help: "Its name, unique in this installation.")
        var name: String

        @Option(help: "The IANA time zone whose days its reports cover.")
        var timeZone = "UTC"

        @OptionGroup(title: "Settings") var options: SettingsOptions

        func run() async throws {
            let (name, timeZone) = (name, timeZone)
            guard (1...200).contains(name.unicodeScalars.count) else {
                throw ValidationError("The name must have 1 to 200 characters.")
            }
            try await StoreCommand.run(options) { backend in
                let (workspace, key) = try await backend.store.write { transaction in
                    try transaction.createWorkspace(name: name, timeZone: timeZone)
                }
                print(workspace.id.lowercased)
                print(key)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists workspaces in the order of their making.")

        @OptionGroup(title: "Settings") var options: SettingsOptions

        func run() async throws {
            try await StoreCommand.run(options) { backend in
                let workspaces = try await StoreCommand.all(
                    { try await backend.store.workspaces(after: $0, limit: $1) }, id: \.id)
                let rows = workspaces.map {
                    [$0.id.lowercased, $0.name, $0.timeZone, Timestamp.format($0.createdAt)]
                }
                print(StoreCommand.table(["ID", "NAME", "TIME ZONE", "CREATED"], rows))
            }
        }
    }
}
