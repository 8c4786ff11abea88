/// Adds tags to the contact and removes others. A tag the contact already has, or does not have, is no mistake.
public struct UpdateTagsStep: Step {
    public static let type = "update_tags"
    public static let summary = "Adds tags to the contact and removes others."
    public static let example: JSON = [
        "id": "mark", "type": "update_tags", "add": ["vip"], "remove": ["new"], "next": "next",
    ]

    public let add: [String]
    public let remove: [String]
    public let next: String?

    public init?(_ reader: StepReader) {
        let fields = reader.fields
        let tags = FieldType<[String]>.array(of: .string(length: 1...64), count: 0...50)
        add = fields.optional("add", tags) ?? []
        remove = fields.optional("remove", tags) ?? []
        next = reader.port("next")
        guard fields.has("add") || fields.has("remove") else {
            fields.fail("add", "missing", "there must be tags to add or to remove")
            return nil
        }
        for (index, tag) in remove.enumerated() where add.contains(tag) {
            fields.errors.add(
                JSONPointer.element(index, of: fields.pointer(to: "remove")), "conflict",
                "is added by the same step")
        }
    }

    public var fields: [(String, JSON)] {
        var fields: [(String, JSON)] = []
        if !add.isEmpty || remove.isEmpty { fields.append(("add", .array(add.map(JSON.string)))) }
        if !remove.isEmpty { fields.append(("remove", .array(remove.map(JSON.string)))) }
        fields.append(("next", .text(next)))
        return fields
    }

    public func enter(_ context: inout StepContext) -> StepOutcome {
        context.perform(.updateTags(add: add, remove: remove))
        return .take(port: "next", to: next)
    }
}
