import Foundation

/// Puts the conversation into a line and waits until it is served from it.
///
/// - The line's target is a team, one agent, the whole workspace, or the agent who had the contact's last conversation
///   (`previous_agent`). When there is no such agent, the step leaves through `on_none`; without `on_none` through `next`.
/// - People win: where a person assigned or unassigned before, the step changes nothing and leaves through `next` with the
///   reason `assigned_by_person`, unless it says `"overwrite": true`.
/// - An assignment by anyone while it waits leaves through `next`. With `timeout` the step leaves through `on_timeout` when
///   nobody has been assigned by then; the conversation keeps its place in the line, and the next `assign` moves it
///   with the time it has waited.
/// - `{"unassign": true}` takes the assignee away and does not wait.
public struct AssignStep: Step {
    /// Who is to get it.
    public enum Target: Sendable, Hashable {
        case line(LineTarget)
        case previousAgent
        case unassign
    }

    public static let type = "assign"
    public static let summary =
        "Puts the conversation into the line of a team, an agent or the workspace and waits until it is assigned."
    public static let example: JSON = [
        "id": "to_cards", "type": "assign", "target": ["team_id": "018f2f6a-1111-7222-8333-444455556666"],
        "strategy": "least_open", "only_online": true, "max_open": 20, "timeout": "PT15M", "next": .null,
        "on_timeout": "next",
    ]

    public let target: Target
    public let strategy: RoutingStrategy
    public let onlyOnline: Bool
    public let maxOpen: Int?
    public let overwrite: Bool
    /// Seconds.
    public let timeout: TimeInterval?
    public let next: String?
    public let onTimeout: String?
    /// Whether the definition says where to go when `previous_agent` finds nobody.
    public let hasOnNone: Bool
    public let onNone: String?

    public init?(_ reader: StepReader) {
        let fields = reader.fields
        let target = Self.target(reader)
        var chooses = false
        if case .line(.team) = target { chooses = true }
        if case .line(.workspace) = target { chooses = true }
        if target != nil, target != .unassign, !chooses, fields.has("strategy") {
            fields.fail("strategy", "not-allowed", "chooses among several agents: only with team_id or workspace")
        }
        strategy = fields.optionalEnumeration("strategy", RoutingStrategy.self) ?? .roundRobin
        onlyOnline = fields.bool("only_online", default: true)
        maxOpen = fields.optionalInt("max_open", range: 1...100_000)
        overwrite = fields.bool("overwrite", default: false)
        timeout = fields.optionalDuration("timeout", range: WaitStep.range)
        next = reader.port("next")
        let saysTimeout = fields.raw("timeout").map { $0 != .null } ?? false
        onTimeout = fields.has("on_timeout") ? reader.port("on_timeout", takesTime: true) : nil
        if saysTimeout, !fields.has("on_timeout") {
            fields.fail(
                "timeout", "timeout-without-on-timeout",
                "needs on_timeout: the step to go on with, or null to end the run and leave the conversation in line")
        }
        if !saysTimeout, onTimeout != nil {
            fields.fail("on_timeout", "on-timeout-without-timeout", "needs a timeout such as \"PT15M\"")
        }
        hasOnNone = fields.has("on_none")
        onNone = hasOnNone ? reader.port("on_none") : nil
        if hasOnNone, let target, target != .previousAgent {
            fields.fail("on_none", "not-allowed", "is for the target previous_agent only")
        }
        if target == .unassign {
            for name in ["strategy", "only_online", "max_open", "timeout", "on_timeout"] where fields.has(name) {
                fields.fail(name, "not-allowed", "has no meaning with the target unassign")
            }
        }
        guard let target else { return nil }
        self.target = target
    }

    private static func target(_ reader: StepReader) -> Target? {
        guard let object = reader.fields.object("target") else { return nil }
        let names = ["team_id", "agent_id", "workspace", "previous_agent", "unassign"]
        let given = names.filter { object.raw($0) != nil }
        object.finish()
        guard given.count == 1, let name = given.first else {
            let code = given.isEmpty ? "missing" : "conflict"
            let detail = "must have exactly one of \(names.joined(separator: ", "))"
            object.errors.add(object.pointer, code, detail)
            return nil
        }
        switch name {
        case "team_id", "agent_id":
            guard let id = object.uuid(name) else { return nil }
            reader.refer(to: name == "team_id" ? .team(id) : .agent(id), name, of: object)
            return .line(name == "team_id" ? .team(id) : .agent(id))
        default:
            guard let flag = object.bool(name) else { return nil }
            guard flag else {
                object.fail(name, "not-allowed", "must be true")
                return nil
            }
            return switch name {
            case "workspace": .line(.workspace)
            case "previous_agent": .previousAgent
            default: .unassign
            }
        }
    }

    public var fields: [(String, JSON)] {
        var target: JSON
        var chooses = false
        switch self.target {
        case .line(.team(let id)):
            target = ["team_id": .id(id)]
            chooses = true
        case .line(.agent(let id)): target = ["agent_id": .id(id)]
        case .line(.workspace):
            target = ["workspace": true]
            chooses = true
        case .previousAgent: target = ["previous_agent": true]
        case .unassign: target = ["unassign": true]
        }
        var fields: [(String, JSON)] = [("target", target)]
        if chooses { fields.append(("strategy", .string(strategy.rawValue))) }
        if self.target != .unassign { fields.append(("only_online", .bool(onlyOnline))) }
        if let maxOpen { fields.append(("max_open", .integer(Int64(maxOpen)))) }
        if overwrite { fields.append(("overwrite", true)) }
        if let timeout { fields.append(("timeout", .string(DurationText.format(timeout)))) }
        fields.append(("next", .text(next)))
        if timeout != nil { fields.append(("on_timeout", .text(onTimeout))) }
        if hasOnNone { fields.append(("on_none", .text(onNone))) }
        return fields
    }

    public func enter(_ context: inout StepContext) -> StepOutcome {
        guard !context.isClosed else { return .end(.conversationClosed) }
        let conversation = context.facts.conversation
        if conversation.assignedByPerson, !overwrite {
            return .take(port: "next", to: next, data: ["reason": "assigned_by_person"])
        }
        let line: LineTarget
        switch target {
        case .unassign:
            context.perform(.unassign)
            return .take(port: "next", to: next)
        case .previousAgent:
            guard let agent = context.facts.contact.lastAssigneeID else {
                let data: JSON = ["reason": "no_previous_agent"]
                return hasOnNone
                    ? .take(port: "on_none", to: onNone, data: data) : .take(port: "next", to: next, data: data)
            }
            line = .agent(agent)
        case .line(let target): line = target
        }
        context.perform(
            .enterLine(
                LineRequest(
                    target: line, strategy: strategy, onlyOnline: onlyOnline, maxOpen: maxOpen, visit: context.visit,
                    // Every run so far is started by an opening, so the opening is when waiting began (S16).
                    queuedAt: conversation.queuedAt ?? conversation.openedAt)))
        let due = timeout.map { context.now.addingTimeInterval($0) }
        if let due { context.perform(.setTimer(due: due)) }
        return .wait(RunWait(.line, due: due))
    }

    public func resume(_ signal: RunSignal, _ context: inout StepContext) -> StepOutcome? {
        switch signal.kind {
        case .assigned:
            let agent = signal.data["agent_id"]?.string.flatMap(UUID.init(uuidString:))
            let isPerson = signal.data["source"]?.string.flatMap(Source.init(rawValue:))?.isPerson ?? false
            context.learn { facts in
                facts.conversation.queuedAt = nil
                if let agent { facts.conversation.assigneeID = agent }
                if isPerson { facts.conversation.assignedByPerson = true }
            }
            return .take(port: "next", to: next, data: signal.data)
        case .timer where timeout != nil: return .take(port: "on_timeout", to: onTimeout)
        default: return nil
        }
    }
}
