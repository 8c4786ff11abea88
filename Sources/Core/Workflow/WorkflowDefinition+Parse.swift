import Foundation
import OrderedCollections

extension WorkflowDefinition {
    /// Reads and checks a definition `{"format"?, "trigger", "start", "steps"}`.
    ///
    /// Whether the teams, agents and channels it names exist is not checked here: see `references`.
    ///
    /// - Parameters:
    ///   - json: the object; pointers in errors are relative to it.
    ///   - ignoring: members that belong to somebody else, such as `name` and `description`.
    /// - Throws: everything that is wrong, at once.
    public static func parse(_ json: JSON, ignoring: Set<String> = []) throws(InvalidWorkflow) -> WorkflowDefinition {
        let errors = FieldErrors()
        var parser = DefinitionParser(errors: errors)
        let definition = parser.parse(json, ignoring: ignoring)
        guard let definition, errors.isEmpty else { throw InvalidWorkflow(errors: errors.list) }
        return definition
    }
}

private struct DefinitionParser {
    /// A step as far as it could be read: enough to check the graph even when its own fields are wrong.
    struct Draft {
        let id: String?
        let pointer: String
        let ports: [StepPort]
        let step: (any Step)?
    }

    let errors: FieldErrors
    let references = ReferenceCollector()

    init(errors: FieldErrors) {
        self.errors = errors
    }

    mutating func parse(_ json: JSON, ignoring: Set<String>) -> WorkflowDefinition? {
        let reader = ObjectReader(json, errors: errors)
        for name in ignoring { _ = reader.raw(name) }
        if let format = reader.raw("format"), format.int != WorkflowDefinition.format {
            reader.fail("format", "unknown-format", "must be \(WorkflowDefinition.format)")
        }
        let trigger = reader.object("trigger").flatMap { self.trigger($0) }
        let start = reader.required("start", .identifier())
        let values = reader.required("steps", .array(of: .any, count: 1...WorkflowDefinition.maximumSteps))
        reader.finish()
        guard let values else { return nil }
        let drafts = values.enumerated().map { index, value in draft(value, at: "/steps/\(index)") }
        let graph = StepGraph(drafts: drafts.map { ($0.id, $0.pointer, $0.ports) })
        graph.check(start: start, errors: errors)
        guard let trigger, let start, errors.isEmpty else { return nil }
        let nodes = drafts.compactMap { draft in
            draft.step.flatMap { step in
                draft.id.map { WorkflowDefinition.Node(id: $0, step: step, ports: draft.ports) }
            }
        }
        return WorkflowDefinition(
            trigger: trigger, start: start, nodes: nodes, references: references.list,
            unreachable: graph.unreachable(from: start))
    }

    private func trigger(_ reader: ObjectReader) -> Trigger? {
        defer { reader.finish() }
        let kind = reader.enumeration("type", Trigger.Kind.self)
        var conditions: ParsedCondition?
        if let value = reader.raw("conditions"), value != .null {
            var parser = ConditionParser(errors: errors, references: references, allowsEmpty: true)
            conditions = parser.parse(value, at: reader.pointer(to: "conditions"))
            if conditions == nil { return nil }
        }
        return kind.map { Trigger(kind: $0, conditions: conditions) }
    }

    private func draft(_ value: JSON, at pointer: String) -> Draft {
        let reader = ObjectReader(value, pointer: pointer, errors: errors)
        guard value.object != nil else { return Draft(id: nil, pointer: pointer, ports: [], step: nil) }
        let id = reader.required("id", .identifier())
        guard let name = reader.required("type", .string()) else {
            return Draft(id: id, pointer: pointer, ports: [], step: nil)
        }
        guard let type = Steps.named(name) else {
            let known = Steps.all.map { $0.type }.joined(separator: ", ")
            reader.fail("type", "unknown-step-type", "is not known; known are \(known)")
            return Draft(id: id, pointer: pointer, ports: [], step: nil)
        }
        let stepReader = StepReader(reader, references: references)
        let step = type.init(stepReader)
        reader.finish()
        return Draft(id: id, pointer: pointer, ports: stepReader.ports, step: step)
    }
}
