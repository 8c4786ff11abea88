/// Closes the conversation, with a category and a summary where given.
///
/// The run itself goes on: it may still write the contact, the tags and comments. A step that needs an open conversation
/// (`assign`, `send_message`, `wait`) ends it as `conversation_closed`.
public struct CloseConversationStep: Step {
    public static let type = "close_conversation"
    public static let summary = "Closes the conversation, with a category and a summary."
    public static let example: JSON = [
        "id": "done", "type": "close_conversation", "category": "General Inquiry", "summary": "{{message.text}}",
        "next": .null,
    ]

    public let category: String?
    public let summary: Template?
    public let next: String?

    public init?(_ reader: StepReader) {
        category = reader.fields.optionalString("category", length: 1...200)
        summary = reader.fields.optional("summary", .template())
        next = reader.port("next")
        if let category { reader.refer(to: .closingCategory(category), "category") }
    }

    public var fields: [(String, JSON)] {
        var fields: [(String, JSON)] = []
        if let category { fields.append(("category", .string(category))) }
        if let summary { fields.append(("summary", .string(summary.source))) }
        fields.append(("next", .text(next)))
        return fields
    }

    public func enter(_ context: inout StepContext) -> StepOutcome {
        guard !context.isClosed else { return .take(port: "next", to: next, data: ["reason": "closed_before"]) }
        let rendered = summary.map { context.render($0) }
        context.perform(
            .closeConversation(category: category, summary: rendered.flatMap { $0.isEmpty ? nil : $0 }))
        return .take(port: "next", to: next)
    }
}
