import Foundation

/// What came of an advance.
public struct RunTransition: Sendable {
    /// The run as it now is.
    public let run: RunState
    /// The facts with this run's own changes in them.
    public let facts: RunFacts
    /// To be done, in this order.
    public let effects: [RunEffect]
    /// To be appended to the run's log, in this order.
    public let log: [RunLogEntry]

    /// How the run stands.
    public var status: RunStatus { run.status }
}

/// Takes a run on its way until it waits or is over.
///
/// Pure and total (invariant 6): the same arguments give the same transition, and every combination of arguments gives
/// one. All signals are used up: those for a visit that is over, or for nothing the run waits for, leave a line in the
/// log and nothing else.
///
/// - Parameters:
///   - run: as it was stored.
///   - definition: the version the run is pinned to.
///   - signals: what is due, in order (`due_at`, `id`): of two that exclude each other the earlier wins.
///   - facts: as they are now. Those of a closed conversation end the run, whatever the signals are.
///   - now: the moment from which waiting is measured.
public func advance(
    _ run: RunState, definition: WorkflowDefinition, signals: [RunSignal], facts: RunFacts, now: Date
) -> RunTransition {
    var machine = RunMachine(run: run, definition: definition, facts: facts, now: now)
    // A closing may be committed before its signal's turn comes: nothing more may be done for a closed conversation.
    if facts.conversation.status == .closed { machine.end(.conversationClosed) }
    for signal in signals { machine.receive(signal) }
    return machine.transition
}

private struct RunMachine {
    private var run: RunState
    private let definition: WorkflowDefinition
    private var context: StepContext
    private var log: [RunLogEntry] = []

    init(run: RunState, definition: WorkflowDefinition, facts: RunFacts, now: Date) {
        self.run = run
        self.definition = definition
        context = StepContext(now: now, run: run, facts: facts)
    }

    var transition: RunTransition {
        var run = run
        run.variables = context.variables
        return RunTransition(run: run, facts: context.facts, effects: context.effects, log: log)
    }

    mutating func receive(_ signal: RunSignal) {
        guard run.status == .active else {
            // The closing that ended the run is no surprise worth a line.
            if signal.kind != .closed || run.status != .conversationClosed { drop(signal, "run_over") }
            return
        }
        switch signal.kind {
        case .started:
            guard run.step == nil else { return drop(signal, "already_started") }
            walk(from: definition.start)
        case .closed: end(.conversationClosed)
        case .stopped: end(.stopped)
        case .timer, .assigned, .answered: resume(signal)
        }
    }

    private mutating func resume(_ signal: RunSignal) {
        guard let step = run.step, run.wait != nil else { return drop(signal, "not_started") }
        guard signal.visit == run.visit else { return drop(signal, "visit_over") }
        guard let node = definition.node(step) else { return end(.failed(reason: "unknown_step")) }
        guard let outcome = node.step.resume(signal, &context) else { return drop(signal, "not_awaited") }
        walk(from: settle(outcome))
    }

    /// Visits steps until one waits or the run is over; nil says that the last visit was settled without a next one.
    private mutating func walk(from first: String?) {
        var next = first
        while let id = next {
            guard let node = definition.node(id) else { return end(.failed(reason: "unknown_step")) }
            guard run.visit < RunState.maximumVisits else { return end(.failed(reason: "step_visits_exceeded")) }
            run.visit += 1
            run.step = id
            run.wait = nil
            context.visit = run.visit
            next = settle(node.step.enter(&context))
        }
    }

    /// Records how a visit went on; the step to visit next, if there is one.
    private mutating func settle(_ outcome: StepOutcome) -> String? {
        switch outcome {
        case .take(let port, let target, let data):
            run.wait = nil
            write(.port, port: port, data: data)
            if target == nil { end(.completed) }
            return target
        case .wait(let wait):
            run.wait = wait
            write(
                .waiting,
                data: JSON(present: [("for", .string(wait.kind.rawValue)), ("until", wait.due.map { .instant($0) })]))
            return nil
        case .end(let status):
            end(status)
            return nil
        }
    }

    mutating func end(_ status: RunStatus) {
        guard run.status == .active else { return }
        run.status = status
        run.wait = nil
        write(
            .ended,
            data: JSON(present: [("status", .string(status.name)), ("reason", status.reason.map { .string($0) })]))
    }

    private mutating func drop(_ signal: RunSignal, _ reason: String) {
        write(
            .dropped,
            data: JSON(present: [
                ("signal", .string(signal.kind.rawValue)), ("visit", signal.visit.map { .integer(Int64($0)) }),
                ("reason", .string(reason)),
            ]))
    }

    private mutating func write(_ kind: RunLogEntry.Kind, port: String? = nil, data: JSON = .null) {
        log.append(RunLogEntry(kind: kind, step: run.step, visit: run.visit, port: port, data: data))
    }
}
