import Foundation
import OrderedCollections

/// A condition with the JSON it was read from.
public struct ParsedCondition: Sendable, Hashable {
    /// To be evaluated.
    public let condition: Condition
    /// As it was written.
    public let json: JSON
}

/// Reads conditions: `{"all": […]}`, `{"any": […]}`, `{"not": {…}}`, `{"field": …, "operator": …, "value": …}`.
struct ConditionParser {
    /// Comparisons in one condition tree.
    static let maximumComparisons = 50
    /// `all`, `any` and `not` inside each other.
    static let maximumDepth = 8

    let errors: FieldErrors
    let references: ReferenceCollector
    /// Whether an empty `all` may stand here, meaning always.
    let allowsEmpty: Bool
    private var comparisons = 0

    init(errors: FieldErrors, references: ReferenceCollector, allowsEmpty: Bool) {
        self.errors = errors
        self.references = references
        self.allowsEmpty = allowsEmpty
    }

    mutating func parse(_ value: JSON, at pointer: String) -> ParsedCondition? {
        let condition = condition(value, at: pointer, depth: 0)
        if comparisons > Self.maximumComparisons {
            errors.add(
                pointer, "too-many",
                "must have at most \(Self.maximumComparisons) comparisons, has \(comparisons)")
            return nil
        }
        return condition.map { ParsedCondition(condition: $0, json: value) }
    }

    private mutating func condition(_ value: JSON, at pointer: String, depth: Int) -> Condition? {
        guard depth <= Self.maximumDepth else {
            errors.add(pointer, "too-deep", "conditions may stand at most \(Self.maximumDepth) deep in each other")
            return nil
        }
        guard let object = value.object else {
            errors.add(pointer, "wrong-type", "must be a condition object, not \(value.kindName)")
            return nil
        }
        let reader = ObjectReader(value, pointer: pointer, errors: errors)
        defer { reader.finish() }
        for name in ["all", "any", "not"] where object[name] != nil {
            let inner = reader.raw(name) ?? .null
            let innerPointer = reader.pointer(to: name)
            switch name {
            case "not": return condition(inner, at: innerPointer, depth: depth + 1).map(Condition.not)
            default:
                guard let conditions = conditions(inner, isAll: name == "all", at: innerPointer, depth: depth + 1)
                else { return nil }
                return name == "all" ? .all(conditions) : .any(conditions)
            }
        }
        guard reader.has("field") || reader.has("operator") else {
            errors.add(
                pointer, "missing", "must have \"all\", \"any\", \"not\", or \"field\", \"operator\" and \"value\"")
            for name in ["all", "any", "not", "field", "operator", "value"] { _ = reader.raw(name) }
            return nil
        }
        return comparison(reader)
    }

    private mutating func conditions(_ value: JSON, isAll: Bool, at pointer: String, depth: Int) -> [Condition]? {
        guard let values = value.array else {
            errors.add(pointer, "wrong-type", "must be an array of conditions, not \(value.kindName)")
            return nil
        }
        guard !values.isEmpty || (allowsEmpty && isAll && depth == 1) else {
            errors.add(pointer, "empty-conditions", "must have at least one condition")
            return nil
        }
        guard values.count <= Self.maximumComparisons else {
            errors.add(
                pointer, "too-many", "must have at most \(Self.maximumComparisons) conditions, has \(values.count)")
            return nil
        }
        var parsed: [Condition] = []
        for (index, value) in values.enumerated() {
            // Beyond the limit only counting goes on, so that a hostile list costs little and adds no errors.
            guard comparisons <= Self.maximumComparisons else { break }
            if let condition = condition(value, at: JSONPointer.element(index, of: pointer), depth: depth) {
                parsed.append(condition)
            }
        }
        return parsed.count == values.count ? parsed : nil
    }

    private mutating func comparison(_ reader: ObjectReader) -> Condition? {
        comparisons += 1
        let field = reader.required("field", Self.field)
        let comparison = reader.required("operator", .comparison)
        let value = reader.raw("value")
        guard let comparison else { return nil }
        let values: [JSON]
        let pointer = reader.pointer(to: "value")
        switch comparison {
        case .exists, .notExists:
            if let value, value != .null {
                errors.add(pointer, "not-allowed", "\"\(comparison.rawValue)\" takes no value")
                return nil
            }
            values = []
        case .matchesAny:
            let type = FieldType<[JSON]>.array(of: .any, count: 1...200)
            guard let array = reader.required("value", type) else { return nil }
            values = array
        default:
            guard let value else {
                errors.add(pointer, "missing", "is required")
                return nil
            }
            values = [value]
        }
        var texts: [FoldedText] = []
        for (index, value) in values.enumerated() {
            let at = comparison == .matchesAny ? JSONPointer.element(index, of: pointer) : pointer
            guard let text = scalar(value, at: at) else { continue }
            if let field { check(text, of: field, comparison, at: at) }
            texts.append(FoldedText(text))
        }
        guard let field, texts.count == values.count else { return nil }
        return .comparison(field: field, operator: comparison, values: texts)
    }

    private func scalar(_ value: JSON, at pointer: String) -> String? {
        guard let text = ContactFacts.text(value) else {
            errors.add(pointer, "wrong-type", "must be a string, a number or a boolean, not \(value.kindName)")
            return nil
        }
        guard !FoldedText(text).isEmpty else {
            errors.add(pointer, "too-short", "must not be empty; \"exists\" and \"not_exists\" ask for a value at all")
            return nil
        }
        guard text.unicodeScalars.count <= 1_000 else {
            errors.add(pointer, "too-long", "must have at most 1000 characters, has \(text.unicodeScalars.count)")
            return nil
        }
        return text
    }

    /// Values of fields with known values; ids are references.
    private func check(_ text: String, of field: ConditionField, _ comparison: ConditionOperator, at pointer: String) {
        let isWhole = comparison != .contains && comparison != .notContains
        switch field {
        case .conversationSource where isWhole: oneOf(Source.allCases.map(\.rawValue), text, at: pointer)
        case .conversationPriority where isWhole: oneOf(Priority.allCases.map(\.rawValue), text, at: pointer)
        case .conversationChannel: if let id = UUID(uuidString: text) { references.add(.channel(id), pointer) }
        case .conversationTeam: if let id = UUID(uuidString: text) { references.add(.team(id), pointer) }
        case .conversationAssignee:
            if let id = UUID(uuidString: text) {
                references.add(.agent(id), pointer)
            } else {
                errors.add(pointer, "invalid-format", "must be an agent's id")
            }
        default: break
        }
    }

    private func oneOf(_ allowed: [String], _ text: String, at pointer: String) {
        guard !allowed.contains(text.lowercased()) else { return }
        errors.add(
            pointer, "not-allowed", "must be one of \(allowed.map { "\"\($0)\"" }.joined(separator: ", "))")
    }

    private static let field = FieldType<ConditionField> { value, pointer, errors in
        guard let name = FieldType<String>.string(length: 1...128).read(value, pointer, errors) else { return nil }
        guard let field = ConditionField(name) else {
            let known = ConditionField.fixed.map(\.name).joined(separator: ", ")
            errors.add(
                pointer, "unknown-condition-field",
                "is not known; known are \(known) and contact.{field} in lower-case letters, digits and _")
            return nil
        }
        return field
    }
}

extension FieldType where Value == ConditionOperator {
    fileprivate static var comparison: FieldType {
        FieldType { value, pointer, errors in
            guard let name = FieldType<String>.string().read(value, pointer, errors) else { return nil }
            guard let comparison = ConditionOperator(rawValue: name) else {
                let known = ConditionOperator.allCases.map(\.rawValue).joined(separator: ", ")
                errors.add(pointer, "unknown-operator", "is not known; known are \(known)")
                return nil
            }
            return comparison
        }
    }
}
