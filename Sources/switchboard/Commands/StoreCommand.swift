import ArgumentParser
import Core
import Foundation
import Logging
import Store

/// What commands that end soon have in common: settings, the database, the schema, a signal that cancels.
enum StoreCommand {
    static func run(
        _ options: SettingsOptions, schema: Backend.Schema = .current,
        _ work: @escaping @Sendable (Backend) async throws -> Void
    ) async throws {
        try await CommandFailure.reporting {
            let settings = try options.settings()
            let files = try ProgramFiles(settings)
            let logger = Logger(label: "switchboard")
            do {
                try await Interruption.handling(logger: logger) { _ in
                    try await DatabaseAccess.with(settings, logger: logger) { url in
                        try await Backend.with(settings, files, url, logger: logger, schema: schema) { backend in
                            try await AccessContext.$current.withValue(access) { try await work(backend) }
                        }
                    }
                }
            } catch is CancellationError {
                throw ExitCode(130)
            } catch let error as StoreError {
                throw CommandFailure(text(error))
            }
        }
    }

    /// Whom the audit log names: whoever sits at the machine, by the name it knows them under.
    private static var access: AccessContext {
        AccessContext(workspace: nil, actor: Actor(kind: "command", name: NSUserName()))
    }

    static func text(_ error: StoreError) -> String {
        switch error {
        case .notFound(let what): "there is no such \(what)"
        case .conflict(_, let detail, _): detail
        case .invalid(let errors):
            errors.map { "\($0.pointer.drop { $0 == "/" }): \($0.detail)" }.joined(separator: "\n  ")
        }
    }

    /// The workspace of that name or id.
    static func workspace(_ nameOrID: String, _ store: Store) async throws -> Workspace {
        if let id = UUID(uuidString: nameOrID) { return try await store.workspace(id) }
        if let found = try await store.workspace(named: nameOrID) { return found }
        throw CommandFailure("there is no workspace \(nameOrID); switchboard workspaces list shows them")
    }

    /// Every row of a list that comes in pages by id.
    static func all<Row>(
        _ page: (_ after: UUID?, _ limit: Int) async throws -> [Row], id: (Row) -> UUID
    ) async throws -> [Row] {
        var rows: [Row] = []
        while true {
            let next = try await page(rows.last.map(id), 200)
            rows += next
            if next.count < 200 { return rows }
        }
    }

    /// Columns as wide as their widest cell, two spaces apart.
    static func table(_ header: [String], _ rows: [[String]]) -> String {
        let lines = [header] + rows
        let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            let cells = zip(line, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
        .joined(separator: "\n")
    }
}
