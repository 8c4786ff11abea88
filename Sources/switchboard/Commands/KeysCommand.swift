import Addresses
import ArgumentParser
import Core
import Foundation
import Store

extension Role: ExpressibleByArgument {}
extension Core.Scope: ExpressibleByArgument {}

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Makes, lists, rotates and revokes keys.",
        discussion: """
            An operator key makes and changes workspaces and nothing inside them. A workspace's key has a role: owner \
            (everything), manager (everything but keys), agent (contacts and conversations), viewer (reading). It can be \
            limited to scopes, to addresses and to a time.
            """,
        subcommands: [Create.self, List.self, Rotate.self, Revoke.self])

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
                  switchboard keys create --workspace Acme --role manager --name CRM --expires P90D
                  switchboard keys create --workspace Acme --role viewer --name BI --scope reports:read \\
                    --allow-address 192.0.2.0/24
                """)

        @OptionGroup var holder: Holder

        @Option(help: "What the key is for.")
        var name: String

        @Option(help: "What a workspace's key may do.")
        var role = Role.owner

        @Option(help: "A part of the API that a workspace's key is limited to; may be given several times.")
        var scope: [Core.Scope] = []

        @Option(help: ArgumentHelp("When it ends: an ISO 8601 duration from now, or an instant.", valueName: "when"))
        var expires: String?

        @Option(
            help: ArgumentHelp(
                "An address or block that it may call from; may be given several times.", valueName: "address"))
        var allowAddress: [String] = []

        @OptionGroup(title: "Settings") var options: SettingsOptions

        func validate() throws {
            if !(1...200).contains(name.unicodeScalars.count) {
                throw ValidationError("The name must have 1 to 200 characters.")
            }
            if let expires, (Self.instant(expires).map { $0 > Date() }) != true {
                throw ValidationError("--expires must be an ISO 8601 duration such as P90D, or an instant ahead.")
            }
            for address in allowAddress where AddressRange(address) == nil {
                throw ValidationError("\(address) is no address or block such as 192.0.2.0/24.")
            }
            if holder.isOperator, expires != nil || !scope.isEmpty || !allowAddress.isEmpty {
                throw ValidationError("Operator keys have no limits; revoke them.")
            }
        }

        private static func instant(_ text: String) -> Date? {
            DurationText.parse(text).map { Date().addingTimeInterval($0) } ?? Timestamp.parse(text)
        }

        func run() async throws {
            let (name, workspace) = (name, holder.workspace)
            let addresses = allowAddress.compactMap { AddressRange($0)?.unmapped }
            let limits = KeyLimits(
                role: role, scopes: scope.isEmpty ? nil : Set(scope), expiresAt: expires.flatMap(Self.instant),
                allowedAddresses: addresses.isEmpty ? nil : addresses)
            try await StoreCommand.run(options) { backend in
                if let workspace {
                    let id = try await StoreCommand.workspace(workspace, backend.store).id
                    let (key, token) = try await backend.store.write { transaction in
                        try transaction.createKey(name: name, limits: limits, in: id)
                    }
                    KeysCommand.show(token, of: key.id)
                } else {
                    let (key, token) = try await backend.store.write { try $0.createOperatorKey(name: name) }
                    KeysCommand.show(token, of: key.id)
                }
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
                if let workspace {
                    let id = try await StoreCommand.workspace(workspace, backend.store).id
                    let keys = try await StoreCommand.all(
                        { try await backend.store.keys(in: id, after: $0, limit: $1) }, id: \.id)
                    let header = [
                        "ID", "ROLE", "SCOPES", "ADDRESSES", "CREATED", "EXPIRES", "LAST USED", "REVOKED", "NAME",
                    ]
                    print(StoreCommand.table(header, keys.map(\.cells)))
                } else {
                    let keys = try await StoreCommand.all(
                        { try await backend.store.operatorKeys(after: $0, limit: $1) }, id: \.id)
                    print(StoreCommand.table(["ID", "CREATED", "REVOKED", "NAME"], keys.map(\.cells)))
                }
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives a workspace's key a new text and prints it, this once.",
            discussion: "The text before goes on for the overlap, so that it can be exchanged wherever it is used.")

        @Argument(help: "The key's id, as keys list shows it.")
        var id: String

        @Option(help: ArgumentHelp("The key's workspace.", valueName: "name|id"))
        var workspace: String

        @Option(help: ArgumentHelp("For how long, PT0S to P30D.", valueName: "duration"))
        var overlap = "PT24H"

        @OptionGroup(title: "Settings") var options: SettingsOptions

        func run() async throws {
            guard let id = UUID(uuidString: id) else { throw ValidationError("\(id) is no key's id.") }
            guard let overlap = overlap == "PT0S" ? 0 : DurationText.parse(overlap), overlap <= 30 * 86_400 else {
                throw ValidationError("--overlap must be an ISO 8601 duration from PT0S to P30D.")
            }
            let workspace = workspace
            try await StoreCommand.run(options) { backend in
                let workspaceID = try await StoreCommand.workspace(workspace, backend.store).id
                let (key, token) = try await backend.store.write {
                    try $0.rotateKey(id, overlap: overlap, by: .operator, in: workspaceID)
                }
                KeysCommand.show(token, of: key.id)
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
                let name: String
                if let workspace {
                    let workspaceID = try await StoreCommand.workspace(workspace, backend.store).id
                    name = try await backend.store.write { try $0.revokeKey(id, in: workspaceID).name }
                } else {
                    name = try await backend.store.write { try $0.revokeOperatorKey(id).name }
                }
                print("revoked \(name)")
            }
        }
    }
}

extension KeysCommand {
    /// Only the text is on standard output.
    fileprivate static func show(_ token: String, of id: UUID) {
        FileHandle.standardError.write(Data("id \(id.lowercased)\n".utf8))
        print(token)
    }
}

extension APIKey {
    /// As a line of the list.
    fileprivate var cells: [String] {
        func text(_ date: Date?) -> String { date.map(Timestamp.format) ?? "-" }
        let scopes = limits.scopes.map { $0.map(\.rawValue).sorted().joined(separator: ",") }
        let addresses = limits.allowedAddresses.map { $0.map(\.description).joined(separator: ",") }
        return [
            id.lowercased, limits.role.rawValue, scopes ?? "all", addresses ?? "all", text(createdAt),
            text(limits.expiresAt), text(lastUsedAt), text(revokedAt), name,
        ]
    }
}

extension OperatorKey {
    fileprivate var cells: [String] {
        [
            id.lowercased, Timestamp.format(createdAt), revokedAt.map(Timestamp.format) ?? "-", name,
        ]
    }
}
