import Foundation
import Logging
import Postgres
import Store

/// What is read from the root directory before anything is started: a broken file stops a command at once.
struct ProgramFiles: Sendable {
    let root: RootDirectory
    let statements: StatementLibrary
    let migrations: [Migration]

    init(_ settings: Settings) throws {
        root = try RootDirectory.find(
            given: settings.root, program: RootDirectory.program,
            currentDirectory: FileManager.default.currentDirectoryPath)
        statements = try StatementLibrary(directory: root.queries)
        migrations = try Migration.all(in: root.migrations)
    }
}

/// The database side that every command stands on: connected as the owner, with the statements and migrations of the
/// root directory.
struct Backend: Sendable {
    let root: RootDirectory
    let database: Database
    let store: Store
    let migrator: Migrator
    let statements: StatementLibrary
    private let url: Secret
    private let logger: Logger

    /// How many connections a process holds.
    enum Size: Sendable {
        /// A server's, as configured.
        case configured
        /// One of each kind: a command that does one thing after the other.
        case smallest
    }

    /// What has to be true of the schema before the work begins.
    enum Schema: Sendable {
        /// Pending migrations are applied; of several processes starting at once one applies them.
        case migrated
        /// Pending migrations are an error.
        case current
        case any
    }

    /// Gives the work a connected backend and closes it afterwards.
    static func with<Result: Sendable>(
        _ settings: Settings, _ files: ProgramFiles, _ url: Secret, logger: Logger, size: Size = .smallest,
        schema: Schema = .current, _ work: (Backend) async throws -> Result
    ) async throws -> Result {
        let backend = Backend(files, settings: settings, url: url, size: size, logger: logger)
        try await backend.database.start()
        do {
            switch schema {
            case .migrated: try await backend.migrator.up()
            case .current: try await backend.migrator.requireCurrent()
            case .any: break
            }
            let result = try await work(backend)
            await backend.database.close()
            return result
        } catch {
            await backend.database.close()
            throw error
        }
    }

    private init(_ files: ProgramFiles, settings: Settings, url: Secret, size: Size, logger: Logger) {
        root = files.root
        statements = files.statements
        self.url = url
        self.logger = logger
        database = Database(
            configuration: Self.configuration(settings, url, size: size, name: "switchboard"), logger: logger)
        store = Store(database: database, statements: statements, logger: logger)
        migrator = Migrator(migrations: files.migrations, database: database, logger: logger)
    }

    /// The same database as the API's statements see it: under its own role, which owns nothing. Not started yet.
    ///
    /// What the API commits is announced where the workers of this process listen.
    func apiStore(_ settings: Settings) -> Store {
        var configuration = Self.configuration(settings, url, size: .configured, name: "switchboard-api")
        configuration.role = "switchboard_api"
        return Store(
            database: Database(configuration: configuration, logger: logger), statements: statements,
            nudges: store.nudges, logger: logger)
    }

    /// Returns when the database answers and has a schema.
    func checkReadiness() async throws {
        _ = try await database.read(Self.readiness)
    }

    private static let readiness = Statement(
        name: "readiness", sql: "SELECT max(number) AS number FROM schema_migrations")

    private static func configuration(
        _ settings: Settings, _ url: Secret, size: Size, name: String
    ) -> DatabaseConfiguration {
        var configuration = DatabaseConfiguration(url: url.revealed)
        configuration.applicationName = name
        configuration.startTimeout = settings.databaseLimit
        configuration.readConnections = size == .smallest ? 1 : settings.readConnections
        configuration.transactionConnections = size == .smallest ? 1 : settings.transactionConnections
        configuration.drainTimeout = min(.seconds(10), settings.shutdownLimit)
        return configuration
    }
}
