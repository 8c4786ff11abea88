import ArgumentParser
import Core
import Foundation
import Store

extension Role: ExpressibleByArgument {}

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Makes, lists and revokes keys.",
        discussion: """
            An operator key makes and changes workspaces and nothing inside them. A workspace's key has a role: owner \
            (everything), manager (everything but keys), agent (contacts and conversations), viewer (reading).
            """,
        subcommands: [Create.self, List.self, Revoke.self])

    /// Whose keys are meant.
    struct Holder: ParsableArguments {
        @Option(help: ArgumentHelp("Keys of this workspace.", valueName: "name|id"))
        var workspace: String?

        @Flag(name: .customLong("operator"), help: "Operator keys.")
        var isOperator = false

        func validate() throws {
            if isOperator == (workspace != nil) { throw ValidationError("Give either --workspace or --operator.") }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a key and prints it, this once.",
            discussion: """
                Only the key is on standard output; its id, to revoke it by, is on standard error.

                  switchboard keys create --operator --name deployment
                  switchboard keys create --workspace Acme --role manager --name CRM --expires-in P90D
                """)

        @OptionGroup var holder: Holder

        @Option(help: "What the key is for.")
        var name: String

        @Option(help: "What a workspace's key may do.")
        var role = Role.owner

        @Option(help: ArgumentHelp("When it ends, as an ISO 8601 duration from now.", valueName: "duration"))
        var expiresIn: String?

        @OptionGroup(title: "Settings") var options: SettingsOptions

        func validate() throws {
            if !(1...200).contains(name.unicodeScalars.count) {
                throw ValidationError("The name must have 1 to 200 characters.")
            }
            if let expiresIn, DurationText.parse(expiresIn) == nil {
                throw ValidationError("--expires-in must be an ISO 8601 duration such as P90D.")
            }
            if holder.isOperator, expiresIn != nil {
                throw ValidationError("Operator keys do not expire; revoke them.")
            }
        }

        func run() async throws {
            let (name, role, workspace) = (name, role, holder.workspace)
            let expiresAt = expiresIn.flatMap { DurationText.parse($0) }.map { Date().addingTimeInterval($0) }
            try await StoreCommand.run(options) { backend in
                let (key, token): (APIKey, String)
                if let workspace {
                    let id = try await StoreCommand.workspace(workspace, backend.store).id
                    (key, token) = try await backend.store.write { transaction in
                        try transaction.createKey(name: name, role: role, expiresAt: expiresAt, in: id)
                    }
                } else {
                    (key, token) = try await backend.store.write { try $0.createOperatorKey(name: name) }
                }
                FileHandle.standardError.write(Data("id \(key.id.uuidString.lowercased())\n".utf8))
                print(token)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists keys, revoked ones too. Their texts are not kept.")

        @OptionGroup var holder: Holder
        @OptionGroup(title: "Settings") var options: SettingsOptions

        func run() async throws {
            let workspace = holder.workspace
            try await StoreCommand.run(options) { backend in
                let keys: [APIKey]
                if let workspace {
                    let id = try await StoreCommand.workspace(workspace, backend.store).id
                    keys = try await StoreCommand.all(
                        { try await backend.store.keys(in: id, after: $0, limit: $1) }, id: \.id)
                } else {
                    keys = try await StoreCommand.all(
                        { try await backend.store.operatorKeys(after: $0, limit: $1) }, id: \.id)
                }
                let rows = keys.map { key in
                    [
                        key.id.uuidString.lowercased(), key.role?.rawValue ?? "operator",
                        Timestamp.format(key.createdAt),
                        key.expiresAt.map(Timestamp.format) ?? "-", key.revokedAt.map(Timestamp.format) ?? "-",
                        key.name,
                    ]
                }
                print(StoreCommand.table(["ID", "ROLE", "CREATED", "EXPIRES", "REVOKED", "NAME"], rows))
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revokes a key: it stops with the next request. Revoking twice is revoking once.")

        @Argument(help: "The key's id, as keys list shows it.")
        var id: String

        @OptionGroup var holder: Holder
        @OptionGroup(title: "Settings") var options: SettingsOptions

        func run() async throws {
            guard let id = UUID(uuidString: id) else { throw ValidationError("\(id) is no key's id.") }
            let workspace = holder.workspace
            try await StoreCommand.run(options) { backend in
                let key: APIKey
                if let workspace {
                    let workspaceID = try await StoreCommand.workspace(workspace, backend.store).id
                    key = try await backend.store.write { try $0.revokeKey(id, in: workspaceID) }
                } else {
                    key = try await backend.store.write { try $0.revokeOperatorKey(id) }
                }
                print("revoked \(key.name)")
            }
        }
    }
}
