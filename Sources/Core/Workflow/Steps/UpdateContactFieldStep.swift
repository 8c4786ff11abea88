/// Writes one value of the contact: `name`, `email`, `phone`, `language` or a workspace field.
///
/// `value` is a template, a number, a boolean, a list of texts, or null, which clears. A template that renders to nothing
/// clears too. Rendered text has at most 4,000 characters.
public struct UpdateContactFieldStep: Step {
    /// What to write.
    public enum Value: Sendable, Hashable {
        case clear
        case template(Template)
        /// A number, a boolean or a list of texts.
        case literal(JSON)
    }

    public static let type = "update_contact_field"
    public static let summary = "Writes or clears one value of the contact."
    public static let example: JSON = [
        "id": "note_topic", "type": "update_contact_field", "field": "topic", "value": "cards", "next": "next",
    ]

    public let field: String
    public let value: Value
    public let next: String?

    public init?(_ reader: StepReader) {
        next = reader.port("next")
        let field = reader.fields.required("field", Self.fieldName)
        let value = reader.fields.required("value", Self.fieldValue)
        guard let field, let value else { return nil }
        self.field = field
        self.value = value
    }

    private static let fieldName = FieldType<String>.string(length: 1...64).map(
        orSay: "must be \(ContactField.standard.joined(separator: ", ")), or the name of a contact field: a lower-case "
            + "letter, then lower-case letters, digits and _"
    ) { ContactField.isName($0) && !ContactField.reserved.contains($0) ? $0 : nil }

    private static let fieldValue = FieldType<Value> { value, pointer, errors in
        switch value {
        case .null: return .clear
        case .bool, .integer, .number: return .literal(value)
        case .string:
            return FieldType<Template>.template(length: 0...Template.maximumLength).read(value, pointer, errors)
                .map(Value.template)
        case .array:
            let type = FieldType<[String]>.array(of: .string(length: 1...1_000), count: 1...100)
            return type.read(value, pointer, errors).map { .literal(.array($0.map(JSON.string))) }
        case .object:
            errors.add(
                pointer, "wrong-type",
                "must be a string, a number, a boolean, an array of strings or null, not an object")
            return nil
        }
    }

    public var fields: [(String, JSON)] {
        let value: JSON =
            switch self.value {
            case .clear: .null
            case .template(let template): .string(template.source)
            case .literal(let literal): literal
            }
        return [("field", .string(field)), ("value", value), ("next", .text(next))]
    }

    public func enter(_ context: inout StepContext) -> StepOutcome {
        let written: JSON?
        switch value {
        case .clear: written = nil
        case .literal(let literal): written = literal
        case .template(let template):
            let text = context.render(template)
            written = text.isEmpty ? nil : .string(text)
        }
        context.perform(.updateContactField(name: field, value: written))
        return .take(port: "next", to: next)
    }
}
