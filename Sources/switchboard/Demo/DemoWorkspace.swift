import Core
import Foundation
import Logging
import Store

/// A workspace to try things on: made once, in one transaction, and kept over restarts.
struct DemoWorkspace: Sendable {
    static let name = "Demo"
    static let timeZone = "Europe/Madrid"

    /// Three for each team, with different limits; all online.
    static let agents: [(name: String, team: String, maxOpen: Int?)] = [
        ("Ada", "Money", 120), ("Bruno", "Money", 80), ("Carla", "Money", 40),
        ("Dmitri", "Transfers", 120), ("Elena", "Transfers", 80), ("Farid", "Transfers", 40),
        ("Greta", "Cards", 120), ("Hugo", "Cards", 80), ("Ines", "Cards", 40),
        ("Jonas", "General", 150), ("Kira", "General", 100), ("Luis", "General", nil),
    ]

    private let store: Store
    private let settings: Settings
    private let logger: Logger

    init(_ store: Store, _ settings: Settings, _ logger: Logger) {
        self.store = store
        self.settings = settings
        self.logger = logger
    }

    /// Makes what is missing, writes `demo.env` and prints how to begin.
    func announce(_ url: String) async throws {
        let path = DemoFile.path(settings)
        let known = DemoFile.read(path)
        var file: DemoFile
        if let known, try await isValid(known) {
            file = known
            file.url = url
        } else {
            file = try await make(url)
        }
        if file != known { try file.write(path) }
        // Not by print: what goes to a pipe would wait there until the end.
        FileHandle.standardOutput.write(Data(Self.words(url, path: path).utf8))
    }

    /// Whether everything that the file names is still there: the database may be another one now.
    private func isValid(_ file: DemoFile) async throws -> Bool {
        guard case .key(let key) = try await store.authenticate(token: file.key), key.limits.role == .owner,
            case .operatorKey = try await store.authenticate(token: file.operatorKey),
            let channel = UUID(uuidString: file.channel)
        else { return false }
        do {
            _ = try await store.channel(channel, in: key.workspace)
            return true
        } catch StoreError.notFound {
            return false
        }
    }

    private func make(_ url: String) async throws -> DemoFile {
        if let existing = try await store.workspace(named: Self.name) {
            logger.notice("the demo workspace is there and its keys are not: making new ones")
            let channel = try await store.channels(in: existing.id, after: nil, limit: 1).first?.id
            return try await store.write { transaction in
                let (_, key) = try transaction.createKey(
                    name: "Demo", limits: KeyLimits(role: .owner), in: existing.id)
                return try Self.file(transaction, url, key: key, workspace: existing.id, channel: channel)
            }
        }
        logger.notice("making the demo workspace")
        return try await store.write { transaction in
            let (workspace, key) = try transaction.createWorkspace(name: Self.name, timeZone: Self.timeZone)
            try Self.fill(transaction, workspace.id)
            return try Self.file(transaction, url, key: key, workspace: workspace.id, channel: nil)
        }
    }

    private static func fill(_ transaction: StoreTransaction, _ workspace: UUID) throws {
        var teams: [String: UUID] = [:]
        for name in DemoWorkflow.teams {
            teams[name] = try transaction.createTeam(name: name, by: .system, in: workspace).id
        }
        for (name, team, maxOpen) in agents {
            let new = NewAgent(
                name: name, email: "\(name.lowercased())@example.com", presence: .online, maxOpen: maxOpen)
            let agent = try transaction.createAgent(new, by: .system, in: workspace)
            guard let team = teams[team] else { continue }
            _ = try transaction.addMember(agent.id, toTeam: team, by: .system, in: workspace)
        }
        let document = try WorkflowDocument(DemoWorkflow.document { teams[$0] })
        let workflow = try transaction.createWorkflow(document, in: workspace)
        _ = try transaction.publishWorkflow(workflow.id, in: workspace)
    }

    private static func file(
        _ transaction: StoreTransaction, _ url: String, key: String, workspace: UUID, channel: UUID?
    ) throws -> DemoFile {
        let (_, operatorKey) = try transaction.createOperatorKey(name: "Demo")
        // Without a URL: nobody is there to take what agents answer.
        let id =
            try channel ?? transaction.createChannel(name: "Demo", kind: .custom, url: nil, in: workspace).channel.id
        return DemoFile(url: url, key: key, operatorKey: operatorKey, channel: id.lowercased)
    }

    /// Lines that work when pasted, from any directory, and that show no key.
    static func words(_ url: String, path: String) -> String {
        let quoted = "'\(path.replacing("'", with: "'\\''"))'"
        let key = #"-H "Authorization: Bearer $SWITCHBOARD_KEY""#
        let event =
            #"{"events":[{"type":"message","message_id":"'$(date +%s%N)'","contact":{"external_id":"ana","name":"Ana"},"text":"Where is my new card?"}]}"#
        return """

            Switchboard runs at \(url). Its keys are in \(path). Try:

            (. \(quoted); curl -sS "$SWITCHBOARD_URL/v1/channels/$SWITCHBOARD_CHANNEL/inbound" \(key) -H 'Content-Type: application/json' -d '\(event)'; echo)
            (. \(quoted); curl -sS "$SWITCHBOARD_URL/v1/conversations?limit=3" \(key); echo)
            (. \(quoted); curl -sS "$SWITCHBOARD_URL/v1/runs?limit=3" \(key); echo)

            Ctrl-C stops it.

            """
    }
}
