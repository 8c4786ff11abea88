/// Sends the contact a text over the conversation's channel. What renders to nothing but white space is not sent. In a
/// conversation that this run closed itself nothing is sent and the run is over.
public struct SendMessageStep: Step {
    public static let type = "send_message"
    public static let summary = "Sends the contact a text with facts put in."
    public static let example: JSON = [
        "id": "greet", "type": "send_message", "text": "Hello {{contact.name}}, we will be with you in a moment.",
        "next": "next",
    ]

    public let text: Template
    public let next: String?

    public init?(_ reader: StepReader) {
        next = reader.port("next")
        guard let text = reader.fields.required("text", .template()) else { return nil }
        self.text = text
    }

    public var fields: [(String, JSON)] { [("text", .string(text.source)), ("next", .text(next))] }

    public func enter(_ context: inout StepContext) -> StepOutcome {
        guard !context.isClosed else { return .end(.conversationClosed) }
        let rendered = context.render(text)
        guard !rendered.allSatisfy(\.isWhitespace) else {
            return .take(port: "next", to: next, data: ["reason": "empty_text"])
        }
        context.perform(.sendMessage(text: rendered))
        return .take(port: "next", to: next)
    }
}
