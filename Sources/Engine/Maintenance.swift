import Foundation
import Logging
import Postgres
import ServiceLifecycle
import Store

/// What has to be done from time to time: partitions of the months to come, promises to repeating clients that are over.
public final class Maintenance: Service {
    /// Often enough for a day that begins, seldom enough to be nothing.
    private static let interval: Duration = .seconds(3600)

    private let store: Store
    private let migrator: Migrator
    private let logger: Logger

    public init(store: Store, migrator: Migrator, logger: Logger) {
        self.store = store
        self.migrator = migrator
        self.logger = logger
    }

    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try await Task.sleep(for: Self.interval * Double.random(in: 0.9...1.1))
                do {
                    try await self.runOnce(now: Date())
                } catch {
                    self.logger.warning("maintenance was put off", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    /// Everything once; any number of processes may do so at the same time.
    public func runOnce(now: Date) async throws {
        try await migrator.makePartitions(around: now)
        for row in try await store.read("workspaces_with_old_keys", []) {
            let workspace: UUID = try row.decode("id")
            _ = try await store.write { try $0.purgeIdempotencyKeys(in: workspace) }
        }
    }
}
