/// How a condition compares. Text comparisons ignore case and diacritics; on a list they ask about its members.
public enum ConditionOperator: String, Sendable, Hashable, CaseIterable {
    /// The text is the value; the list has it as a member.
    case equals
    /// Not `equals`; true when there is no value.
    case notEquals = "not_equals"
    /// The value occurs in the text; the list has it as a member.
    case contains
    /// Not `contains`; true when there is no value.
    case notContains = "not_contains"
    /// `equals` for at least one of an array of values.
    case matchesAny = "matches_any"
    /// There is a value: not null, not empty text, not an empty list.
    case exists
    /// Not `exists`.
    case notExists = "not_exists"
}

/// A question about the facts: `all`, `any`, `not` of others, or one comparison.
public indirect enum Condition: Sendable, Hashable {
    /// True when every one is; so also when there is none.
    case all([Condition])
    /// True when at least one is.
    case any([Condition])
    /// True when the other is not.
    case not(Condition)
    /// One comparison, with its values folded already.
    case comparison(field: ConditionField, operator: ConditionOperator, values: [FoldedText])

    /// Evaluates on the facts. No side effects; `any` and `all` stop as soon as the answer is known.
    public func holds(for facts: RunFacts) -> Bool {
        var reader = FactsReader(facts)
        return holds(&reader)
    }

    func holds(_ reader: inout FactsReader) -> Bool {
        switch self {
        case .all(let conditions):
            for condition in conditions where !condition.holds(&reader) { return false }
            return true
        case .any(let conditions):
            for condition in conditions where condition.holds(&reader) { return true }
            return false
        case .not(let condition): return !condition.holds(&reader)
        case .comparison(let field, let comparison, let values):
            let value = reader.value(of: field)
            return switch comparison {
            case .equals, .matchesAny: Self.equals(value, values)
            case .notEquals: !Self.equals(value, values)
            case .contains: Self.contains(value, values)
            case .notContains: !Self.contains(value, values)
            case .exists: Self.exists(value)
            case .notExists: !Self.exists(value)
            }
        }
    }

    private static func equals(_ value: FoldedValue, _ wanted: [FoldedText]) -> Bool {
        switch value {
        case .missing: false
        case .text(let present), .list(let present): present.contains { wanted.contains($0) }
        }
    }

    private static func contains(_ value: FoldedValue, _ wanted: [FoldedText]) -> Bool {
        switch value {
        case .missing: false
        case .text(let spellings): spellings.contains { spelling in wanted.contains { spelling.contains($0) } }
        case .list(let members): members.contains { wanted.contains($0) }
        }
    }

    private static func exists(_ value: FoldedValue) -> Bool {
        if case .missing = value { return false }
        return true
    }

    /// The values that the field must have one of for this condition to be possible, or nil when it says nothing
    /// about that. What cannot match can be left out early by whoever holds only this field.
    func necessaryValues(of wanted: ConditionField) -> Set<FoldedText>? {
        switch self {
        case .all(let conditions):
            conditions.compactMap { $0.necessaryValues(of: wanted) }.reduce(nil) { known, values in
                known.map { $0.intersection(values) } ?? values
            }
        case .any(let conditions):
            conditions.reduce(Optional(Set())) { known, condition in
                guard let known, let values = condition.necessaryValues(of: wanted) else { return nil }
                return known.union(values)
            }
        case .comparison(wanted, .equals, let values), .comparison(wanted, .matchesAny, let values): Set(values)
        case .not, .comparison: nil
        }
    }
}
