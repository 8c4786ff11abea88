/// Ends the run. The conversation stays as it is.
public struct EndStep: Step {
    public static let type = "end"
    public static let summary = "Ends the run; the conversation stays as it is."
    public static let example: JSON = ["id": "stop_here", "type": "end"]

    public init?(_ reader: StepReader) {}

    public var fields: [(String, JSON)] { [] }

    public func enter(_ context: inout StepContext) -> StepOutcome { .end(.completed) }
}
