import API
import Addresses
import Core
import Engine
import Foundation
import HTTPClient
import Logging
import Postgres
import Reports
import ServiceLifecycle
import Store
import TestKit
import Testing

/// The API as a process runs it, on a database of its own, with a workspace to call it in.
struct Fixture: Sendable {
    /// With the owner's rights, for looking behind the API.
    let store: Store
    /// As the API's role.
    let apiStore: Store
    let databaseURL: String
    let routes: [Route]
    /// Which keys called, not written down yet.
    let uses: KeyUses
    /// Without a key.
    let anonymous: APIClient
    /// With an operator's key.
    let operators: APIClient
    /// The workspace that most tests work in.
    let a: Tenant

    /// Another workspace.
    func tenant(_ name: String) async throws -> Tenant { try await Tenant(name, by: operators) }
}

/// Runs the API, and a worker unless told otherwise, while `body` runs; afterwards every exchange is held against
/// openapi.yaml.
///
/// - Returns: the operations called, with the statuses of their answers.
@discardableResult
func withAPI(
    worker: Bool = true, trustedProxies: [AddressRange] = [],
    limits: RateLimits = RateLimits(
        key: RateLimit(quota: 10_000, window: 10), channel: RateLimit(quota: 10_000, window: 10)),
    isolation: isolated (any _Concurrency.Actor)? = #isolation,
    sourceLocation: SourceLocation = #_sourceLocation, _ body: (Fixture) async throws -> Void
) async throws -> [(id: String, status: Int)] {
    try await withTestStore { store, url in
        let logger = TestDatabase.silentLogger
        let api = try await apiStore(url, store)
        let jobs = try JobLibrary(directory: ProjectRoot.url.appending(path: "jobs"))
        let status = SystemStatusReader(store: store)
        let services = APIServices(
            store: api, inbound: IngestCombiner(store: api, logger: logger, maximumWait: .seconds(600)),
            reports: ReportService(store: api, jobs: jobs, runner: ReportRunner(store: api)),
            readiness: { _ = try await store.rows("SELECT 1") }, status: { try await status.status() },
            document: [UInt8](try Data(contentsOf: ProjectRoot.url.appending(path: "openapi.yaml"))))
        let uses = KeyUses()
        var configuration = APIServerConfiguration(host: "127.0.0.1", port: 0)
        configuration.trustedProxies = trustedProxies
        let server = APIServer(
            configuration: configuration, routes: try RouteTable(services.routes),
            authenticator: Authentications.authenticator(api, uses: uses, limiter: RateLimiter(limits)), logger: logger)
        var parts: [any Service] = []
        if worker {
            parts = [
                Broadcast(store: store, tellsRuns: false, logger: logger), Worker(store: store, logger: logger),
            ]
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: (parts + [server]).map { .init(service: $0) }, logger: logger))
        let running = Task { try await group.run() }
        let exchanges = APIExchanges()
        let transport = APIClient.transport()
        do {
            let base = "http://127.0.0.1:\(try await server.boundPort())"
            let anonymous = APIClient(base: base, exchanges: exchanges, transport: transport)
            let operators = anonymous.with(key: try await store.write { try $0.createOperatorKey(name: "test").token })
            let fixture = Fixture(
                store: store, apiStore: api, databaseURL: url, routes: services.routes, uses: uses,
                anonymous: anonymous, operators: operators,
                a: try await Tenant("A", by: operators))
            try await body(fixture)
        } catch {
            await stop(group, running, transport, api)
            throw error
        }
        await stop(group, running, transport, api)
        let (failures, operations) = try await exchanges.check()
        for failure in failures { Issue.record("against openapi.yaml: \(failure)", sourceLocation: sourceLocation) }
        return operations
    }
}

private func apiStore(_ url: String, _ owner: Store) async throws -> Store {
    var configuration = DatabaseConfiguration(url: url)
    configuration.role = "switchboard_api"
    configuration.readConnections = 1
    configuration.transactionConnections = 4
    let database = Database(configuration: configuration, logger: TestDatabase.silentLogger)
    try await database.start()
    return Store(
        database: database, statements: owner.statements, nudges: owner.nudges, logger: TestDatabase.silentLogger)
}

private func stop(
    _ group: ServiceGroup, _ running: Task<Void, any Error>, _ transport: HTTPClient, _ api: Store
) async {
    // Connections kept open would be waited for.
    await transport.close()
    await group.triggerGracefulShutdown()
    _ = try? await running.value
    await api.database.close()
}

extension Fixture {
    /// A digest of every row that belongs to the workspace, in every table.
    func fingerprint(_ tenant: Tenant) async throws -> String {
        let tables: [String] = try await store.rows(
            """
            SELECT c.relname::text AS name FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id' AND NOT a.attisdropped
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            ORDER BY 1
            """
        ).map { try $0.decode("name") }
        let all = tables.map { table in
            "SELECT '\(table) ' || count(*) || ' ' || md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) AS line "
                + "FROM \(table) t WHERE workspace_id = $1"
        }
        return try await store.rows(
            all.joined(separator: " UNION ALL ")
                + " UNION ALL SELECT 'workspaces ' || md5(t::text) FROM workspaces t WHERE id = $1",
            [try #require(UUID(uuidString: tenant.id))]
        ).map { try $0.decode("line", as: String.self) }.joined(separator: "\n")
    }
}
