import Core
import Foundation
import HTTPTypes
import Logging

/// What operators ask: alive, ready.
struct ServiceRoutes: Sendable {
    /// Returns when the database answers and holds every migration; throws otherwise.
    let readiness: @Sendable () async throws -> Void

    /// What monitoring and load balancers ask.
    var health: [Route] {
        [
            Route(.get, "/healthz", "getHealth", access: .open, isAnsweredUnderOverload: true) { _ in
                .ok(["status": "ok"])
            },
            Route(.get, "/readyz", "getReadiness", access: .open, isAnsweredUnderOverload: true, handler: ready),
        ]
    }

    @Sendable private func ready(_ request: APIRequest) async throws -> APIResponse {
        do {
            try await readiness()
        } catch {
            request.logger.warning("not ready", metadata: ["error": "\(error)"])
            throw Problem.unavailable("The database does not answer, or waits for migrations.")
        }
        return .ok(["status": "ready"])
    }
}
