import Foundation

/// One kind of step. A kind is one file with one type in `Steps/`, and one line in `Steps.all`.
public protocol Step: Sendable {
    /// The `type` in definitions.
    static var type: String { get }
    /// What it does, in a sentence, for documentation.
    static var summary: String { get }
    /// A valid step of this kind, with `id` and `type`. Ports name the step `next` or nothing.
    static var example: JSON { get }

    /// Reads the step's own fields. Adds every mistake to the reader and returns nil when there was one.
    init?(_ reader: StepReader)

    /// The step's own fields as they are read, without `id` and `type`.
    var fields: [(String, JSON)] { get }

    /// Begins a visit. Pure: what is to be done goes into the context as effects.
    func enter(_ context: inout StepContext) -> StepOutcome

    /// Goes on with a visit that waits, on a signal for it; nil when the signal is none that this step waits for.
    func resume(_ signal: RunSignal, _ context: inout StepContext) -> StepOutcome?
}

extension Step {
    /// Most kinds never wait.
    public func resume(_ signal: RunSignal, _ context: inout StepContext) -> StepOutcome? { nil }
}

/// How a visit goes on.
public enum StepOutcome: Sendable {
    /// Leaves through the named port to the step it leads to; nil means that the run is over.
    case take(port: String, to: String?, data: JSON = .null)
    /// Stays until a signal for the visit comes.
    case wait(RunWait)
    /// The run is over.
    case end(RunStatus)
}

/// A named way out of a step.
public struct StepPort: Sendable, Hashable {
    /// `next`, `on_timeout`, `else`, or a branch's name.
    public let name: String
    /// Where the definition says so.
    public let pointer: String
    /// The step it leads to; nil ends the run.
    public let target: String?
    /// Whether time always passes before it is taken, so that a cycle through it is legal.
    public let takesTime: Bool
}

/// What a step reads its fields with: the object, and everything a definition collects across steps.
public final class StepReader {
    /// The step's object.
    public let fields: ObjectReader
    let references: ReferenceCollector
    private(set) var ports: [StepPort] = []

    init(_ fields: ObjectReader, references: ReferenceCollector) {
        self.fields = fields
        self.references = references
    }

    /// Reads a port: the id of a step, or null or absent for the end of the run.
    ///
    /// - Parameters:
    ///   - field: the field that holds it, of the step or of `object`.
    ///   - name: the port's name when it is not the field's.
    ///   - takesTime: whether time always passes before it is taken.
    public func port(
        _ field: String, of object: ObjectReader? = nil, name: String? = nil, takesTime: Bool = false
    ) -> String? {
        let reader = object ?? fields
        let target = reader.optional(field, .identifier())
        ports.append(
            StepPort(
                name: name ?? field, pointer: reader.pointer(to: field), target: target, takesTime: takesTime))
        return target
    }

    /// Reads conditions, which must not be empty.
    public func conditions(_ field: String, of object: ObjectReader? = nil) -> ParsedCondition? {
        let reader = object ?? fields
        guard let value = reader.raw(field) else {
            reader.fail(field, "missing", "is required")
            return nil
        }
        var parser = ConditionParser(errors: reader.errors, references: references, allowsEmpty: false)
        return parser.parse(value, at: reader.pointer(to: field))
    }

    /// Notes that something of the workspace is named.
    public func refer(to target: WorkflowReference.Target, _ field: String, of object: ObjectReader? = nil) {
        references.add(target, (object ?? fields).pointer(to: field))
    }
}

/// What a step may see and do during a visit.
public struct StepContext: Sendable {
    /// The moment of this advance.
    public let now: Date
    /// The number of this visit.
    public internal(set) var visit: Int
    /// Values that live as long as the run.
    public var variables: [String: JSON]
    var reader: FactsReader
    var effects: [RunEffect] = []

    init(now: Date, run: RunState, facts: RunFacts) {
        self.now = now
        visit = run.visit
        variables = run.variables
        reader = FactsReader(facts)
    }

    /// As the steps before left them.
    public var facts: RunFacts { reader.facts }

    /// Asks for something to be done and shows it to the steps that follow.
    public mutating func perform(_ action: RunEffect.Action) {
        var index = 0
        if let last = effects.last, last.visit == visit { index = last.index + 1 }
        effects.append(RunEffect(action: action, visit: visit, index: index))
        switch action {
        case .updateContactField(let name, let value): reader.change { $0.contact.set(name, to: value) }
        case .updateTags(let add, let remove):
            reader.change { facts in
                let kept = facts.contact.tags.filter { !remove.contains($0) }
                facts.contact.tags = kept + add.filter { !kept.contains($0) }
            }
        case .closeConversation:
            reader.change { facts in
                facts.conversation.status = .closed
                facts.conversation.queuedAt = nil
            }
        case .enterLine(let request):
            reader.change { facts in
                facts.conversation.queuedAt = request.queuedAt
                if case .team(let team) = request.target, facts.conversation.teamID != team {
                    facts.conversation.teamID = team
                    facts.conversation.teamName = nil
                }
            }
        case .unassign:
            reader.change { facts in
                facts.conversation.assigneeID = nil
                facts.conversation.queuedAt = nil
            }
        case .sendMessage, .addComment, .setTimer: break
        }
    }

    /// Shows the steps that follow what a signal told.
    mutating func learn(_ change: (inout RunFacts) -> Void) { reader.change(change) }

    /// Whether the condition holds for the facts as they are now.
    public mutating func holds(_ condition: Condition) -> Bool { condition.holds(&reader) }

    /// The template with the facts put in.
    public func render(_ template: Template) -> String { template.render(facts, variables: variables) }

    /// Whether the conversation is closed: nothing can be sent, waited for or assigned any more.
    public var isClosed: Bool { facts.conversation.status == .closed }
}
