import Foundation
import Store

/// Reads the system's status for whoever asks, at most every five seconds: the price is the same for one who asks and for
/// a thousand.
public actor SystemStatusReader {
    private static let lifetime: Duration = .seconds(5)
    /// A database that needs longer has other worries than being counted.
    private static let timeout: TimeInterval = 2

    private let store: Store
    private var last: (status: SystemStatus, at: ContinuousClock.Instant)?
    private var reading: Task<SystemStatus, any Error>?

    /// - Parameter store: the owner's: the API's role sees one workspace at a time.
    public init(store: Store) {
        self.store = store
    }

    /// The status, five seconds old at most.
    /// - Throws: `PostgresError` when the database is away or needs more than two seconds.
    public func status() async throws -> SystemStatus {
        if let last, ContinuousClock.now - last.at < Self.lifetime { return last.status }
        let task =
            reading
            ?? Task { [store] in
                SystemStatus(
                    processes: try await store.processes(), backlog: try await store.backlogOfAll(timeout: Self.timeout)
                )
            }
        reading = task
        defer { reading = nil }
        let status = try await task.value
        last = (status, ContinuousClock.now)
        return status
    }
}
