import Logging
import ServiceLifecycle
import Store

/// Looks every second, in one of all processes, whether tables have begun to fill (`Migrator.countNewTables`).
public final class FirstCount: Service {
    private static let interval: Duration = .seconds(1)

    private let migrator: Migrator
    private let logger: Logger
    /// Whether this process is the one.
    private let isFirst: @Sendable () -> Bool

    public init(migrator: Migrator, logger: Logger, isFirst: @escaping @Sendable () -> Bool) {
        self.migrator = migrator
        self.logger = logger
        self.isFirst = isFirst
    }

    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try await Task.sleep(for: Self.interval * Double.random(in: 0.9...1.1))
                guard self.isFirst() else { continue }
                do {
                    try await self.migrator.countNewTables()
                } catch {
                    self.logger.debug("tables could not be counted", metadata: ["error": "\(error)"])
                }
            }
        }
    }
}
