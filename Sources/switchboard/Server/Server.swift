import API
import Engine
import Foundation
import HTTPClient
import Logging
import Prometheus
import Reports
import ServiceLifecycle
import Store

/// The parts that one process runs; together they are the product.
struct ServerParts: OptionSet, Sendable {
    let rawValue: Int

    /// The REST API.
    static let api = ServerParts(rawValue: 1)
    /// Runs, lines and effects.
    static let worker = ServerParts(rawValue: 2)
    /// Report jobs by their schedules.
    static let scheduler = ServerParts(rawValue: 4)
    static let all: ServerParts = [.api, .worker, .scheduler]

    /// As other processes and monitoring read them.
    var names: [String] {
        let all: [(ServerParts, String)] = [(.api, "api"), (.worker, "worker"), (.scheduler, "scheduler")]
        return all.filter { contains($0.0) }.map(\.1)
    }
}

/// The composition root: puts the parts together, runs them until a signal, and ends them in order.
struct Server: Sendable {
    let parts: ServerParts
    let settings: Settings
    let registry: PrometheusRegistry
    let logger: Logger

    /// Runs until the interruption. On the way out the API stops accepting and answers what it has, then workers stop
    /// claiming and finish their batches, then connections are closed. The caller stops an embedded server last.
    ///
    /// - Parameter whenListening: called once with the URL, after everything has been started.
    func run(
        _ backend: Backend, _ interruption: Interruption,
        whenListening: @escaping @Sendable (_ url: String) async throws -> Void
    ) async throws {
        let api = parts.contains(.api) ? backend.apiStore(settings) : nil
        try await api?.database.start()
        let client = HTTPClient(
            // Channels are bounded one by one by the effect worker: of several behind one address, none waits for another.
            configuration: HTTPClientConfiguration(
                allowPrivateNetworks: settings.allowPrivateNetworks, allowedNetworks: settings.allowedNetworks,
                maximumConnectionsPerHost: 256))
        do {
            try await run(backend, api, client, interruption, whenListening)
        } catch {
            await close(backend, api, client, interruption)
            // The end that was asked for is no failure, however roughly the last service took it.
            guard interruption.wasAsked else { throw error }
            logger.warning("stopped before everything was finished", metadata: ["error": "\(error)"])
            return
        }
        await close(backend, api, client, interruption)
    }

    /// What the services used up of their time the connections do not get again: a database that says nothing any more
    /// would otherwise hold the process beyond its limit.
    private func close(
        _ backend: Backend, _ api: Store?, _ client: HTTPClient, _ interruption: Interruption
    ) async {
        await client.close()
        for database in [api?.database, backend.database].compactMap({ $0 }) {
            let limit = interruption.remainder(of: settings.shutdownLimit)
            await database.close(within: min(database.configuration.drainTimeout, max(limit, .milliseconds(500))))
        }
    }

    private func run(
        _ backend: Backend, _ api: Store?, _ client: HTTPClient, _ interruption: Interruption,
        _ whenListening: @escaping @Sendable (String) async throws -> Void
    ) async throws {
        let observation = Observation(registry, parts, backend, api: api, logger: logger)
        // Stopped in reverse: the API first, the row among the processes last.
        var services: [any Service] = [
            observation.heartbeat,
            FirstCount(migrator: backend.migrator, logger: logger, isFirst: { observation.heartbeat.isFirst }),
            Broadcast(store: backend.store, tellsRuns: !parts.contains(.worker), logger: logger),
        ]
        if let listen = settings.metricsListen {
            let server = try observation.server(listen, backend, logger)
            services += [
                server,
                Announcement { [logger] in
                    let url = Self.url(listen, port: try await server.boundPort())
                    logger.notice("metrics", metadata: ["url": "\(url)/metrics"])
                },
            ]
        }
        let jobs = try JobLibrary(directory: backend.root.jobs)
        for problem in jobs.problems { logger.error("\(problem)") }
        let runner = ReportRunner(store: backend.store)
        if parts.contains(.scheduler) {
            services.append(Scheduler(store: backend.store, jobs: jobs, runner: runner, logger: logger))
        }
        if parts.contains(.worker) {
            services.append(Maintenance(store: backend.store, migrator: backend.migrator, logger: logger))
            let probe = CrashPoint.fromEnvironment()
            services.append(EffectWorker(store: backend.store, client: client, logger: logger, probe: probe))
            var configuration = WorkerConfiguration()
            configuration.concurrency = settings.workerConcurrency
            services.append(
                Worker(store: backend.store, configuration: configuration, logger: logger, probe: probe))
        }
        if let api {
            let uses = KeyUses()
            services.append(KeyUseRecorder(uses: uses, store: backend.store, logger: logger))
            let limiter = RateLimiter(settings.rateLimits)
            services.append(RateSharing(store: backend.store, limiter: limiter, logger: logger))
            let server = try apiServer(backend, api, jobs, uses, limiter, observation)
            services.append(server)
            registry.collect { [MetricSample("switchboard_http_connections", [], Double(server.connectionCount))] }
            services.append(
                Announcement {
                    let port = try await server.boundPort()
                    try await whenListening(Self.url(settings.listen, port: port))
                })
        } else {
            logger.notice("running")
        }
        let group = ServiceGroup(configuration: configuration(services))
        interruption.gracefully { Task { await group.triggerGracefulShutdown() } }
        try await group.run()
    }

    private func apiServer(
        _ backend: Backend, _ api: Store, _ jobs: JobLibrary, _ uses: KeyUses, _ limiter: RateLimiter,
        _ observation: Observation
    ) throws -> APIServer {
        let apiServices = APIServices(
            store: api, inbound: IngestCombiner(store: api, logger: logger, probe: CrashPoint.fromEnvironment()),
            reports: ReportService(store: api, jobs: jobs, runner: ReportRunner(store: api)),
            readiness: { try await backend.checkReadiness() }, status: { try await observation.status.status() },
            document: [UInt8]((try? Data(contentsOf: backend.root.openAPI)) ?? Data()))
        var configuration = APIServerConfiguration(host: settings.listen.host, port: settings.listen.port)
        configuration.maximumConnections = DescriptorLimit.connections(configuration.maximumConnections)
        configuration.connection.requestTimeout = .init(settings.requestTimeout)
        configuration.connection.writeTimeout = .init(settings.requestTimeout)
        configuration.connection.idleTimeout = .init(settings.idleTimeout)
        configuration.shutdownTimeout = min(configuration.shutdownTimeout, settings.shutdownLimit)
        configuration.trustedProxies = settings.trustedProxies
        return APIServer(
            configuration: configuration, routes: try RouteTable(apiServices.routes),
            authenticator: Authentications.authenticator(api, uses: uses, limiter: limiter),
            databaseWait: { api.database.statistics.longestWait }, logger: logger)
    }

    private func configuration(_ services: [any Service]) -> ServiceGroupConfiguration {
        var configuration = ServiceGroupConfiguration(
            services: services.map { service in
                // Only the announcement is over before it is told to be.
                ServiceGroupConfiguration.ServiceConfiguration(
                    service: service,
                    successTerminationBehavior: service is Announcement ? .ignore : .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            }, logger: logger)
        configuration.maximumGracefulShutdownDuration = settings.shutdownLimit
        return configuration
    }

    /// Where a client on this machine reaches the server.
    static func url(_ listen: ListenAddress, port: Int) -> String {
        let host = ["0.0.0.0": "127.0.0.1", "::": "::1"][listen.host] ?? listen.host
        return "http://\(ListenAddress(host: host, port: port))"
    }
}

/// Does one thing when the others run, and is done.
private struct Announcement: Service {
    let body: @Sendable () async throws -> Void

    init(_ body: @escaping @Sendable () async throws -> Void) { self.body = body }

    func run() async throws { try await body() }
}
