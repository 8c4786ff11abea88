import API
import ArgumentParser
import Foundation
import HTTPTypes
import Logging
import ServiceLifecycle

/// The API's own server with one route that answers the body it was sent: what HTTP and JSON cost without a database. With
/// a delay it stands for a channel's receiver that takes its time.
struct EchoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo", abstract: "Serves POST /v1/channels/{channel_id}/inbound and answers the body.")

    @Option(help: "Port on 127.0.0.1.") var port: Int
    @Option(help: "Milliseconds before each answer.") var delay = 0

    func run() async throws {
        var logger = Logger(label: "echo")
        logger.logLevel = .warning
        let delay = delay
        let route = Route(
            .post, "/v1/channels/{channel_id}/inbound", "echo", access: .open, bodyLimit: Route.batchBodyLimit
        ) { request in
            let body = try request.json()
            if delay > 0 { try await Task.sleep(for: .milliseconds(delay)) }
            return .ok(body)
        }
        let server = APIServer(
            configuration: configuration, routes: try RouteTable([route]),
            authenticator: { _ in throw Problem.missingCredentials() }, logger: logger)
        let group = ServiceGroup(
            services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
    }

    /// A receiver that waits holds as many requests as the sender has under way.
    private var configuration: APIServerConfiguration {
        var configuration = APIServerConfiguration(port: port)
        configuration.maximumConcurrentRequests = 10_000
        return configuration
    }
}
