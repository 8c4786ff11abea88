import Foundation
import Logging
import ServiceLifecycle
import Store
import Synchronization

/// Shows this process to the others while it lives, and finds out which of all is the first.
public final class Heartbeat: Service {
    /// Three of these without a sign, and a process is taken for lost (`processes_list`).
    private static let interval: Duration = .seconds(5)

    private let store: Store
    private let process: ProcessDescription
    private let logger: Logger
    private let first = Atomic<Bool>(false)

    public init(store: Store, process: ProcessDescription, logger: Logger) {
        self.store = store
        self.process = process
        self.logger = logger
    }

    /// Whether this is the oldest of the living processes: the one that looks at what concerns all of them.
    public var isFirst: Bool { first.load(ordering: .relaxed) }

    /// Gives signs until shut down, then takes its own row away.
    ///
    /// Only the pause is cut short: a sign that is cancelled goes on at the server, and could write the row after it was
    /// taken away.
    public func run() async throws {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            do {
                try await beat()
            } catch {
                // Others may take over what only the first does.
                first.store(false, ordering: .relaxed)
                logger.debug("no sign could be given", metadata: ["error": "\(error)"])
            }
            try? await cancelWhenGracefulShutdown {
                try await Task.sleep(for: Self.interval * Double.random(in: 0.9...1.1))
            }
        }
        do {
            try await store.forgetProcess(process.id)
        } catch {
            logger.debug("the process's row stays for a minute", metadata: ["error": "\(error)"])
        }
    }

    /// One sign.
    func beat() async throws {
        try await store.heartbeat(process)
        let living = try await store.processes().first { $0.isAlive }
        first.store(living?.description.id == process.id, ordering: .relaxed)
    }
}
