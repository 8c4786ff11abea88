import API
import Logging
import NIOCore
import ServiceLifecycle
import Testing

@Suite(.timeLimit(.minutes(15)))
struct ShutdownTests {
    @Test func stoppingAnswersWhatIsInFlightAndClosesWhatIsIdle() async throws {
        try await TestServer.run { server in
            let idle = try await server.connect()
            idle.send("GET /things HTTP/1.1\r\nHost: t\r\n\r\n")
            #expect(await idle.response()?.status == 200)
            let busy = try await server.connect()
            busy.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n")
            await server.slow.hasBegun()
            let stopping = Task { await server.server.stop() }
            #expect(await idle.isClosed())
            await #expect(throws: (any Error).self) { try await server.connect() }
            server.slow.release()
            let response = try #require(await busy.response())
            #expect(response.status == 200)
            #expect(response["connection"] == "close")
            #expect(await busy.isClosed())
            await stopping.value
        }
    }

    @Test func whatDoesNotEndIsCutOff() async throws {
        try await TestServer.run({ $0.shutdownTimeout = .milliseconds(200) }) { server in
            let busy = try await server.connect()
            busy.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n")
            await server.slow.hasBegun()
            let started = ContinuousClock.now
            await server.server.stop()
            #expect(ContinuousClock.now - started < .seconds(4))
            #expect(await busy.response() == nil)
        }
    }

    @Test func aServiceGroupStopsIt() async throws {
        let log = LogCapture()
        let server = APIServer(
            configuration: APIServerConfiguration(port: 0), routes: try RouteTable([]),
            authenticator: Operations.authenticate, logger: log.logger)
        let group = ServiceGroup(configuration: .init(services: [server], logger: log.logger))
        let running = Task { try await group.run() }
        let connection = try await RawConnection(port: try await server.boundPort())
        connection.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n")
        #expect(await connection.response()?.status == 404)
        await group.triggerGracefulShutdown()
        try await running.value
        #expect(await connection.isClosed())
    }

    @Test func anAddressInUseIsAnErrorAndNotACrash() async throws {
        try await TestServer.run { server in
            let second = APIServer(
                configuration: APIServerConfiguration(port: server.port), routes: try RouteTable([]),
                authenticator: Operations.authenticate, logger: server.log.logger)
            let port = Task { try await second.boundPort() }
            await #expect(throws: IOError.self) { try await second.run() }
            await #expect(throws: APIServerError.stopped) { try await port.value }
            await #expect(throws: APIServerError.runsOnlyOnce) { try await second.run() }
        }
    }
}
