import Foundation
import OrderedCollections

/// How a run stands.
public enum RunStatus: Sendable, Hashable {
    /// Not yet begun, or waiting for a signal.
    case active
    /// Went out through a port that leads nowhere, or through `end`.
    case completed
    /// Could not go on; the reason is a stable word such as `step_visits_exceeded`.
    case failed(reason: String)
    /// The conversation was closed.
    case conversationClosed
    /// Ended together with its workflow.
    case stopped

    /// The stable name: `active`, `completed`, `failed`, `conversation_closed`, `stopped`.
    public var name: String {
        switch self {
        case .active: "active"
        case .completed: "completed"
        case .failed: "failed"
        case .conversationClosed: "conversation_closed"
        case .stopped: "stopped"
        }
    }

    /// Why it failed.
    public var reason: String? {
        if case .failed(let reason) = self { return reason }
        return nil
    }

    /// Whether nothing can happen any more.
    public var isEnd: Bool { self != .active }
}

/// What a run waits for.
public struct RunWait: Sendable, Hashable {
    /// The kind of signal, besides the timer, that ends it.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Time alone.
        case timer
        /// Being served from a line.
        case line
    }

    public let kind: Kind
    /// When the timer for this visit is due; nil when there is none.
    public let due: Date?

    public init(_ kind: Kind, due: Date?) {
        self.kind = kind
        self.due = due
    }
}

/// Where a run stands in its version of a workflow: everything that is kept between two advances.
public struct RunState: Sendable, Hashable {
    /// How many step visits a run may have (S13).
    public static let maximumVisits = 1_000

    public internal(set) var status: RunStatus
    /// The step being visited, or the last one visited; nil before the start.
    public internal(set) var step: String?
    /// How many steps have been visited, this one included; also the number by which signals and effects name this visit.
    public internal(set) var visit: Int
    /// What the visit waits for; nil before the start and after the end.
    public internal(set) var wait: RunWait?
    /// Values that live as long as the run.
    public internal(set) var variables: [String: JSON]

    /// A run that has not begun.
    public init() {
        status = .active
        step = nil
        visit = 0
        wait = nil
        variables = [:]
    }

    /// As it is stored.
    public var json: JSON {
        var wait: JSON?
        if let state = self.wait {
            wait = JSON(present: [
                ("kind", .string(state.kind.rawValue)), ("due", state.due.map { .string(Timestamp.format($0)) }),
            ])
        }
        let variables = JSON(fields: variables.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        return JSON(present: [
            ("status", .string(status.name)), ("reason", status.reason.map { .string($0) }),
            ("step", step.map { .string($0) }), ("visit", .integer(Int64(visit))), ("wait", wait),
            ("variables", self.variables.isEmpty ? nil : variables),
        ])
    }

    /// Reads what `json` wrote; nil for anything else.
    public init?(json: JSON) {
        switch (json["status"]?.string, json["reason"]?.string) {
        case ("active", _): status = .active
        case ("completed", _): status = .completed
        case ("failed", let reason): status = .failed(reason: reason ?? "unknown")
        case ("conversation_closed", _): status = .conversationClosed
        case ("stopped", _): status = .stopped
        default: return nil
        }
        guard let visit = json["visit"]?.int, (0...Self.maximumVisits).contains(visit) else { return nil }
        self.visit = visit
        step = json["step"]?.string
        guard (visit == 0) == (step == nil) else { return nil }
        wait = nil
        if let state = json["wait"] {
            guard let kind = state["kind"]?.string.flatMap(RunWait.Kind.init(rawValue:)) else { return nil }
            var due: Date?
            if let text = state["due"]?.string {
                guard let date = Timestamp.parse(text) else { return nil }
                due = date
            }
            wait = RunWait(kind, due: due)
        }
        variables = [:]
        if let members = json["variables"] {
            guard case .object(let object) = members else { return nil }
            for name in object.keys { variables[name] = members[name] }
        }
    }
}
