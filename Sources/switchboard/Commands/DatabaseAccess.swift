import Foundation
import Logging

/// Gives the work a database: the server that is configured, or the private cluster, which is stopped last.
enum DatabaseAccess {
    /// - Parameter work: gets the connection string.
    static func with<Result: Sendable>(
        _ settings: Settings, logger: Logger, _ work: (Secret) async throws -> Result
    ) async throws -> Result {
        if let url = settings.databaseURL { return try await work(url) }
        let embedded = EmbeddedPostgres(stateDirectory: settings.stateDirectory, logger: logger)
        do {
            let url = try await embedded.start()
            let result = try await work(Secret(url))
            await embedded.stop()
            return result
        } catch {
            await embedded.stop()
            throw error
        }
    }
}
