import Logging
import ServiceLifecycle
import Store

/// Writes down when keys called: at most once a minute for each, and once more at the end.
public struct KeyUseRecorder: Service {
    private static let interval: Duration = .seconds(60)

    private let uses: KeyUses
    private let store: Store
    private let logger: Logger

    /// - Parameter store: with the owner's rights.
    public init(uses: KeyUses, store: Store, logger: Logger) {
        self.uses = uses
        self.store = store
        self.logger = logger
    }

    /// Runs until a graceful shutdown; started before the API's server it ends after it and misses no request.
    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try await Task.sleep(for: Self.interval)
                await record()
            }
        }
        await record()
    }

    private func record() async {
        do {
            try await uses.write(to: store)
        } catch {
            logger.warning("uses of keys were not written down", metadata: ["error": "\(error)"])
        }
    }
}
