/// Goes the way of the first branch whose conditions hold, else the way of `else`.
public struct BranchStep: Step {
    /// One way out.
    public struct Branch: Sendable, Hashable {
        /// The port's name, unique within the step.
        public let name: String
        public let conditions: ParsedCondition
        public let next: String?
    }

    public static let type = "branch"
    public static let summary = "Takes the first branch whose conditions hold, from top to bottom, or `else`."
    public static let example: JSON = [
        "id": "topic", "type": "branch",
        "branches": [
            [
                "name": "cards",
                "conditions": ["any": [["field": "message.text", "operator": "contains", "value": "card"]]],
                "next": "next",
            ]
        ],
        "else": .null,
    ]

    static let maximumBranches = 50

    public let branches: [Branch]
    /// Where it goes when no branch holds.
    public let otherwise: String?

    public init?(_ reader: StepReader) {
        otherwise = reader.port("else")
        let errors = reader.fields.errors
        guard let values = reader.fields.required("branches", .array(of: .any, count: 1...Self.maximumBranches))
        else { return nil }
        var branches: [Branch] = []
        var names: Set<String> = ["else"]
        for (index, value) in values.enumerated() {
            let pointer = JSONPointer.element(index, of: reader.fields.pointer(to: "branches"))
            let object = ObjectReader(value, pointer: pointer, errors: errors)
            guard value.object != nil else { continue }
            let name = object.string("name", length: 1...100)
            if let name, !names.insert(name).inserted {
                object.fail("name", "duplicate-name", "is the name of another branch of this step, or \"else\"")
            }
            let conditions = reader.conditions("conditions", of: object)
            let next = reader.port("next", of: object, name: name ?? "next")
            object.finish()
            if let name, let conditions { branches.append(Branch(name: name, conditions: conditions, next: next)) }
        }
        guard branches.count == values.count else { return nil }
        self.branches = branches
    }

    public var fields: [(String, JSON)] {
        let branches = branches.map { branch in
            JSON(fields: [
                ("name", .string(branch.name)), ("conditions", branch.conditions.json), ("next", .text(branch.next)),
            ])
        }
        return [("branches", .array(branches)), ("else", .text(otherwise))]
    }

    public func enter(_ context: inout StepContext) -> StepOutcome {
        for branch in branches where context.holds(branch.conditions.condition) {
            return .take(port: branch.name, to: branch.next)
        }
        return .take(port: "else", to: otherwise)
    }
}
