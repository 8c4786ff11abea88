import Engine
import Foundation
import Logging
import ServiceLifecycle
import Store
import TestKit

/// Runs a worker on each store while `body` runs, then shuts them down as the process would.
func withWorkers<Value: Sendable>(
    _ stores: [Store], _ configuration: WorkerConfiguration = WorkerConfiguration(),
    isolation: isolated (any _Concurrency.Actor)? = #isolation, _ body: () async throws -> Value
) async throws -> Value {
    let services = stores.flatMap { store -> [any Service] in
        [
            Worker(store: store, configuration: configuration, logger: TestDatabase.silentLogger),
            Broadcast(store: store, tellsRuns: true, logger: TestDatabase.silentLogger),
        ]
    }
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: services.map { .init(service: $0) }, logger: TestDatabase.silentLogger))
    let running = Task { try await group.run() }
    do {
        let value = try await body()
        await group.triggerGracefulShutdown()
        try await running.value
        return value
    } catch {
        await group.triggerGracefulShutdown()
        _ = try? await running.value
        throw error
    }
}
