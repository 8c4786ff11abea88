/// Writes a comment that only agents see. What renders to nothing but white space is not written.
public struct AddCommentStep: Step {
    public static let type = "add_comment"
    public static let summary = "Writes a comment for the agents."
    public static let example: JSON = [
        "id": "remember", "type": "add_comment", "text": "Asked about {{contact.topic}}.", "next": "next",
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
        let rendered = context.render(text)
        guard !rendered.allSatisfy(\.isWhitespace) else {
            return .take(port: "next", to: next, data: ["reason": "empty_text"])
        }
        context.perform(.addComment(text: rendered))
        return .take(port: "next", to: next)
    }
}
