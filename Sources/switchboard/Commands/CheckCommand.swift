import ArgumentParser
import Foundation
import Logging
import Postgres
import Reports
import Store

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks settings, files and database, and changes nothing.",
        discussion: """
            Prints what is in force (never a secret) and every problem that is found; ends with 1 when there is one. A \
            private PostgreSQL that does not run is started for the check; one that was never made is not made.
            """)

    @Flag(help: "Look through the data of every workspace, too: every invariant, however long it takes.")
    var data = false

    @OptionGroup(title: "Settings") var options: SettingsOptions

    func run() async throws {
        try await CommandFailure.reporting {
            let settings = try options.settings()
            let logger = Logger(label: "switchboard")
            print(settings)
            let data = data
            let problems = try await Interruption.handling(logger: logger) { _ in
                await Self.problems(settings, data: data, logger)
            }
            for problem in problems { print("problem: \(problem)") }
            if !problems.isEmpty { throw ExitCode.failure }
            print("all is well")
        }
    }

    private static func problems(_ settings: Settings, data: Bool, _ logger: Logger) async -> [String] {
        var problems: [String] = []
        let files: ProgramFiles
        do {
            files = try ProgramFiles(settings)
            print("files                   \(files.root.path)")
            try problems += JobLibrary(directory: files.root.jobs).problems.map { "\($0)" }
            if !FileManager.default.fileExists(atPath: files.root.openAPI.path) {
                problems.append("\(files.root.openAPI.path) is missing")
            }
        } catch {
            return problems + ["\(error)"]
        }
        do {
            if settings.databaseURL == nil, try await !hasCluster(settings) {
                _ = try PostgresInstallation.choose(forData: settings.stateDirectory + "/postgres")
                print("database                none yet; serve makes it for \(settings.stateDirectory)")
                return problems
            }
            problems += try await DatabaseAccess.with(settings, logger: logger) { url in
                try await Backend.with(settings, files, url, logger: logger, schema: .any) {
                    try await database($0, data: data)
                }
            }
        } catch {
            problems.append("\(error)")
        }
        return problems
    }

    private static func hasCluster(_ settings: Settings) async throws -> Bool {
        // Looking for it makes the directory.
        guard FileManager.default.fileExists(atPath: settings.stateDirectory) else { return false }
        let (location, _) = try await ClusterLocation.find(state: settings.stateDirectory)
        return try PostgresInstallation.dataVersion(location.data) != nil
    }

    private static func database(_ backend: Backend, data: Bool) async throws -> [String] {
        var problems: [String] = []
        let question = Statement(
            name: "check",
            sql: """
                SELECT current_setting('server_version') AS version,
                    current_setting('server_version_num')::int AS number,
                    pg_encoding_to_char(encoding) AS encoding, pg_is_in_recovery() AS standby,
                    to_regclass('schema_migrations') IS NOT NULL AS migrated
                FROM pg_database WHERE datname = current_database()
                """)
        guard let row = try await backend.database.read(question).first else { return ["the database says nothing"] }
        print("database                PostgreSQL \(try row.decode("version", as: String.self))")
        if try row.decode("number", as: Int.self) / 10_000 < PostgresInstallation.minimumVersion {
            problems.append("PostgreSQL \(PostgresInstallation.minimumVersion) or newer is needed")
        }
        let encoding: String = try row.decode("encoding")
        if encoding != "UTF8" { problems.append("the database's encoding is \(encoding); it must be UTF8") }
        if try row.decode("standby", as: Bool.self) {
            problems.append("the server is a standby; the primary is needed")
        }
        guard try row.decode("migrated", as: Bool.self) else {
            return problems + ["no migration has been applied; run `switchboard migrate up`"]
        }
        do {
            try await backend.migrator.requireCurrent()
            print("schema                  current, \(backend.migrator.migrations.count) migrations")
        } catch {
            return problems + ["\(error)"]
        }
        guard data else { return problems }
        problems += try await backend.store.violationsOutsideWorkspaces().map(\.description)
        for workspace in try await backend.store.workspaces(after: nil, limit: 10_000) {
            for violation in try await backend.store.violations(in: workspace.id) {
                problems.append("workspace \(workspace.name): \(violation)")
            }
        }
        return problems
    }
}
