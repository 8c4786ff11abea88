import Core
import Foundation
import Store

/// Who is at work and how far behind: the whole for operators, a workspace's own for its keys.
struct StatusRoutes: Sendable {
    let store: Store
    /// The whole system's, a few seconds old at most.
    let system: @Sendable () async throws -> SystemStatus

    var routes: [Route] {
        [Route(.get, "/v1/status", "getStatus", access: .requires(.observe), handler: status)]
    }

    @Sendable private func status(_ request: APIRequest) async throws -> APIResponse {
        let system = try await system()
        let workspace = try request.caller().principal.workspace
        let backlog = if let workspace { try await store.backlog(of: workspace) } else { system.backlog }
        var members: [(String, JSON)] = [
            ("scope", workspace == nil ? "system" : "workspace"), ("observed_at", .instant(backlog.observedAt)),
            ("parts", Self.parts(system.processes)),
        ]
        // Hosts and versions are the operator's business.
        if workspace == nil { members.append(("processes", .array(system.processes.map(Self.process)))) }
        members += [
            (
                "lines",
                JSON(fields: [
                    ("waiting", .integer(Int64(backlog.lines.count))), ("oldest_age", Self.age(backlog.lines.age)),
                ])
            ),
            (
                "runs",
                JSON(fields: [
                    ("active", .integer(Int64(backlog.activeRuns))), ("due", .integer(Int64(backlog.signals.count))),
                    ("oldest_age", Self.age(backlog.signals.age)),
                ])
            ),
            (
                "outbox",
                JSON(fields: [
                    ("pending", .integer(Int64(backlog.outbox.count))), ("oldest_age", Self.age(backlog.outbox.age)),
                    ("overdue", Self.age(backlog.outboxOverdue)),
                ])
            ),
            (
                "jobs",
                JSON(fields: [("due", .integer(Int64(backlog.jobs.count))), ("oldest_age", Self.age(backlog.jobs.age))])
            ),
        ]
        return .ok(JSON(fields: members))
    }

    /// How many living processes run each part.
    private static func parts(_ processes: [KnownProcess]) -> JSON {
        JSON(
            fields: ["api", "worker", "scheduler"].map { part in
                (part, .integer(Int64(processes.count { $0.isAlive && $0.description.parts.contains(part) })))
            })
    }

    private static func process(_ known: KnownProcess) -> JSON {
        let process = known.description
        return JSON(fields: [
            ("id", .id(process.id)), ("parts", .array(process.parts.map { .string($0) })),
            ("host", .string(process.host)), ("process_id", .integer(Int64(process.processID))),
            ("version", .string(process.version)), ("started_at", .instant(known.startedAt)),
            ("last_seen_at", .instant(known.lastSeenAt)), ("alive", .bool(known.isAlive)),
        ])
    }

    /// ISO 8601 to the millisecond; null when nothing waits.
    private static func age(_ seconds: TimeInterval?) -> JSON {
        guard let seconds else { return .null }
        let milliseconds = Int((seconds * 1000).rounded())
        let fraction = String(1000 + milliseconds % 1000).dropFirst()
        return .string("PT\(milliseconds / 1000).\(fraction)S")
    }
}
