import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Synchronization

/// The HTTP server: listens, answers by the route table, stops gracefully and in bounded time.
///
/// Runs once. Stopping closes the listening socket and idle connections at once, answers what is being handled with
/// `Connection: close`, and cuts off what is not done within the configured time.
public final class APIServer: Service {
    private enum Phase {
        case idle
        case running(Server<ConnectionChannel>)
        case stopped
    }

    private struct State {
        var phase = Phase.idle
        var isStopping = false
        /// Runs the server, apart from the task of `run()`: a handler that ignores its cancellation cannot hold up the end.
        var serving: Task<Void, Never>?
    }

    /// What does not end after its connection was closed and its task cancelled is left behind after this time.
    private static let farewell = Duration.seconds(1)

    private let configuration: APIServerConfiguration
    private let logger: Logger
    private let open = OpenConnections()
    private let metrics: RequestMetrics?
    private let responder: RequestResponder
    private let state = Mutex(State())
    private let port = Once<Result<Int, APIServerError>>()
    private let served = Once<Result<Void, any Error>>()
    private let ended = Once<Void>()

    /// - Parameters:
    ///   - routes: every operation.
    ///   - authenticator: asked for each request to a route that is not open.
    ///   - databaseWait: how long the one that waits longest for the database has waited; beyond the configured limit
    ///     requests with a key get 503 `overloaded`.
    ///   - logger: gets one line per request at `info` and every error of ours at `error`.
    public init(
        configuration: APIServerConfiguration, routes: RouteTable, authenticator: @escaping Authenticator,
        databaseWait: @escaping @Sendable () -> Duration = { .zero }, logger: Logger
    ) {
        self.configuration = configuration
        self.logger = logger
        let dispatcher = Dispatcher(
            authenticator: authenticator, admission: Admission(limit: configuration.maximumConcurrentRequests),
            bodies: BodyBudget(limit: configuration.maximumBodyBytes),
            waiting: WaitGuard(limit: configuration.maximumDatabaseWait, wait: databaseWait))
        metrics = configuration.isMeasured ? RequestMetrics(routes) : nil
        responder = RequestResponder(
            router: dispatcher.router(for: routes), trustedProxies: configuration.trustedProxies, logger: logger,
            metrics: metrics)
    }

    /// Connections open now.
    public var connectionCount: Int { open.count }

    /// Serves until a graceful shutdown or `stop()`; cancellation cuts everything off at once.
    /// - Throws: when the address cannot be listened on, or when it ran before.
    public func run() async throws {
        let server = makeServer()
        let starts = state.withLock { state in
            guard case .idle = state.phase, !state.isStopping else { return false }
            state.phase = .running(server)
            state.serving = Task.detached { [served] in
                do {
                    try await server.run()
                    served.give(.success(()))
                } catch {
                    served.give(.failure(error))
                }
            }
            return true
        }
        guard starts else { throw APIServerError.runsOnlyOnce }
        let result = await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await served.wait()
            } onGracefulShutdown: {
                self.beginStopping()
            }
        } onCancel: {
            beginStopping()
            Task.detached { await self.cutOff() }
        }
        state.withLock { state in
            state.phase = .stopped
            state.serving = nil
        }
        port.give(.failure(.stopped))
        ended.give(())
        try result.get()
    }

    /// The port listened on, as soon as it is.
    /// - Throws: `APIServerError.stopped` when it never comes to that.
    public func boundPort() async throws -> Int { try await port.wait().get() }

    /// Stops gracefully and returns when `run()` is over; when it never ran, it never will.
    public func stop() async {
        let isOver = state.withLock { state in
            switch state.phase {
            case .idle:
                state.isStopping = true
                return true
            case .running: return false
            case .stopped: return true
            }
        }
        if isOver { return port.give(.failure(.stopped)) }
        beginStopping()
        await ended.wait()
    }

    private func makeServer() -> Server<ConnectionChannel> {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let refusalLogger = logger
        let channel = ConnectionChannel(
            limits: configuration.connection, open: open,
            onRefusal: { [metrics] refusal, requestID in
                metrics?.refuse(Int(refusal.status.code))
                refusalLogger.info(
                    "request refused",
                    metadata: [
                        "status": "\(refusal.status.code)", "reason": "\(refusal.reason)",
                        "request_id": "\(requestID)",
                    ])
            },
            responder: { [responder] request, writer, channel in
                try await responder.respond(to: request, writer: writer, channel: channel)
            })
        return Server(
            childChannelSetup: channel,
            configuration: ServerConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil,
                backlog: configuration.backlog, reuseAddress: true,
                availableConnectionsDelegate: MaximumAvailableConnections(
                    configuration.maximumConnections, logger: quiet)),
            onServerRunning: { [weak self] channel in self?.listens(on: channel) },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: quiet)
    }

    private func listens(on channel: any Channel) {
        // By default four connections are accepted between two looks at those that are open: on a loop that is late, whoever
        // comes new would wait for many of its rounds.
        channel.setOption(.maxMessagesPerRead, value: 64).whenFailure { _ in }
        let port = channel.localAddress?.port ?? configuration.port
        logger.info("listening", metadata: ["host": "\(configuration.host)", "port": "\(port)"])
        self.port.give(.success(port))
    }

    private func beginStopping() {
        let server: Server<ConnectionChannel>? = state.withLock { state in
            guard case .running(let server) = state.phase, !state.isStopping else { return nil }
            state.isStopping = true
            return server
        }
        guard let server else { return }
        Task.detached { [self] in
            let patience = Task.detached { [self] in
                try await Task.sleep(for: configuration.shutdownTimeout)
                logger.warning("requests cut off by the shutdown", metadata: ["connections": "\(open.count)"])
                await cutOff()
            }
            try? await server.shutdownGracefully()
            await ended.wait()
            patience.cancel()
        }
    }

    /// Ends what is still going on.
    private func cutOff() async {
        state.withLock { $0.serving }?.cancel()
        open.closeAll()
        try? await Task.sleep(for: Self.farewell)
        served.give(.success(()))
    }
}

/// Misuse of an `APIServer`.
public enum APIServerError: Error, Sendable, Hashable {
    /// `run()` was called twice, or after `stop()`.
    case runsOnlyOnce
    /// The server ended before it listened.
    case stopped
}
