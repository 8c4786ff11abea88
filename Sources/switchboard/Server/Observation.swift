import API
import Engine
import Foundation
import Logging
import Metrics
import Postgres
import Prometheus
import Store

/// What can be seen of this process: its figures, its row among the processes, and the listener that shows both to
/// monitoring.
struct Observation: Sendable {
    static let version = "0.1.0"

    let registry: PrometheusRegistry
    let process: ProcessDescription
    let heartbeat: Heartbeat
    let status: SystemStatusReader

    /// The one registry of the process. Made before the first instrument, which is what `bootstrap` demands.
    static func bootstrap() -> PrometheusRegistry {
        let registry = PrometheusRegistry(definitions: MetricCatalogue.all)
        MetricsSystem.bootstrap(registry)
        return registry
    }

    init(_ registry: PrometheusRegistry, _ parts: ServerParts, _ backend: Backend, api: Store?, logger: Logger) {
        self.registry = registry
        let process = ProcessDescription(
            parts: parts.names, host: ProcessInfo.processInfo.hostName,
            processID: Int(ProcessInfo.processInfo.processIdentifier), version: Self.version)
        let heartbeat = Heartbeat(store: backend.store, process: process, logger: logger)
        let status = SystemStatusReader(store: backend.store)
        self.process = process
        self.heartbeat = heartbeat
        self.status = status
        let databases = [("owner", backend.database)] + (api.map { [("api", $0.database)] } ?? [])
        registry.collect {
            ProcessStatistics.samples() + databases.flatMap { Self.samples($0.1.statistics, role: $0.0) } + [
                MetricSample(
                    "switchboard_build_info",
                    [("version", process.version), ("parts", process.parts.joined(separator: "+"))], 1)
            ]
        }
        registry.collect {
            // Every process would say the same at the same price.
            guard heartbeat.isFirst, let status = try? await status.status() else { return [] }
            return Self.samples(status)
        }
    }

    /// Serves `/metrics`, `/healthz` and `/readyz`, and says no more in the log than what is worth a notice.
    func server(_ listen: ListenAddress, _ backend: Backend, _ logger: Logger) throws -> APIServer {
        var configuration = APIServerConfiguration(host: listen.host, port: listen.port)
        configuration.maximumConnections = 64
        configuration.maximumConcurrentRequests = 16
        configuration.isMeasured = false
        configuration.shutdownTimeout = .seconds(1)
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        let routes = ObservationRoutes(
            readiness: { try await backend.checkReadiness() }, scrape: { [registry] in await registry.scrape() })
        return APIServer(
            configuration: configuration, routes: try RouteTable(routes.routes),
            authenticator: { _ in throw Problem.missingCredentials() }, logger: quiet)
    }

    private static func samples(_ statistics: DatabaseStatistics, role: String) -> [MetricSample] {
        [("read", statistics.read), ("transaction", statistics.transaction)].flatMap { name, lane in
            let labels = [("role", role), ("lane", name)]
            func state(_ state: String, _ count: Int) -> MetricSample {
                MetricSample("switchboard_database_connections", labels + [("state", state)], Double(count))
            }
            return [
                state("wanted", lane.connections), state("connected", lane.connected), state("idle", lane.idle),
                MetricSample("switchboard_database_waiting_callers", labels, Double(lane.waiting)),
                MetricSample("switchboard_database_in_flight_callers", labels, Double(lane.inFlight)),
                MetricSample("switchboard_database_calls_total", labels, Double(lane.served)),
                MetricSample("switchboard_database_refused_calls_total", labels, Double(lane.refused)),
                MetricSample("switchboard_database_lost_connections_total", labels, Double(lane.lostConnections)),
            ]
        }
    }

    private static func samples(_ status: SystemStatus) -> [MetricSample] {
        let backlog = status.backlog
        func value(_ name: String, _ value: Double?) -> MetricSample { MetricSample(name, [], value ?? 0) }
        let living = status.processes.filter(\.isAlive)
        return ["api", "worker", "scheduler"].map { part in
            MetricSample(
                "switchboard_processes", [("part", part)],
                Double(living.count { $0.description.parts.contains(part) }))
        } + [
            value("switchboard_line_waiting_conversations", Double(backlog.lines.count)),
            value("switchboard_line_oldest_age_seconds", backlog.lines.age),
            value("switchboard_runs_active", Double(backlog.activeRuns)),
            value("switchboard_run_signals_due", Double(backlog.signals.count)),
            value("switchboard_run_signals_oldest_age_seconds", backlog.signals.age),
            value("switchboard_outbox_pending", Double(backlog.outbox.count)),
            value("switchboard_outbox_oldest_age_seconds", backlog.outbox.age),
            value("switchboard_outbox_overdue_seconds", backlog.outboxOverdue),
            value("switchboard_job_runs_due", Double(backlog.jobs.count)),
            value("switchboard_job_runs_oldest_age_seconds", backlog.jobs.age),
        ]
    }
}
