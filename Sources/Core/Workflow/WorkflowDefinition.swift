import Foundation

/// What starts a run.
public struct Trigger: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case conversationOpened = "conversation_opened"
    }

    public let kind: Kind
    /// What must hold besides; nil means always.
    public let conditions: ParsedCondition?

    /// Whether a candidate becomes a run.
    public func matches(_ facts: RunFacts) -> Bool { conditions?.condition.holds(for: facts) ?? true }

    /// The sources outside of which the conditions cannot hold, for leaving out candidates early (S9); nil when the
    /// source alone says nothing.
    public var possibleSources: [Source]? {
        guard let values = conditions?.condition.necessaryValues(of: .conversationSource) else { return nil }
        return Source.allCases.filter { values.contains(FoldedText($0.rawValue)) }
    }
}

/// A workflow as it runs: parsed, checked, its templates compiled and its conditions folded. Immutable.
public struct WorkflowDefinition: Sendable {
    /// The format this program writes and reads.
    public static let format = 1
    /// Steps in one workflow.
    public static let maximumSteps = 100

    /// One step with its place in the graph.
    public struct Node: Sendable {
        public let id: String
        public let step: any Step
        public let ports: [StepPort]

        /// As it is written in a definition.
        public var json: JSON {
            JSON(fields: [("id", .string(id)), ("type", .string(Swift.type(of: step).type))] + step.fields)
        }
    }

    public let trigger: Trigger
    /// The id of the first step.
    public let start: String
    /// In the order they were written.
    public let nodes: [Node]
    /// Teams, agents, channels and categories it names: whether they exist is the database's to say.
    public let references: [WorkflowReference]
    /// Steps that no way from the start leads to. Legal: a workflow under construction has them.
    public let unreachable: [String]
    private let index: [String: Int]

    init(trigger: Trigger, start: String, nodes: [Node], references: [WorkflowReference], unreachable: [String]) {
        self.trigger = trigger
        self.start = start
        self.nodes = nodes
        self.references = references
        self.unreachable = unreachable
        index = Dictionary(nodes.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The step with that id.
    public func node(_ id: String) -> Node? { index[id].map { nodes[$0] } }

    /// The definition with every default written out: `format`, `trigger`, `start`, `steps`.
    public var json: JSON {
        JSON(fields: [
            ("format", .integer(Int64(Self.format))), ("trigger", trigger.json), ("start", .string(start)),
            ("steps", .array(nodes.map(\.json))),
        ])
    }
}

extension Trigger {
    /// As it is written in a definition.
    public var json: JSON {
        JSON(present: [("type", .string(kind.rawValue)), ("conditions", conditions?.json)])
    }
}

/// Why a definition was refused: everything that is wrong with it.
public struct InvalidWorkflow: Error, Sendable, Hashable {
    public let errors: [FieldError]
}
