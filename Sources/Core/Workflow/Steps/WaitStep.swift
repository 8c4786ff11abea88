import Foundation

/// Waits for a fixed time. In a conversation that this run closed itself the run is over instead.
public struct WaitStep: Step {
    public static let type = "wait"
    public static let summary = "Waits for a fixed time."
    public static let example: JSON = ["id": "pause", "type": "wait", "duration": "PT10M", "next": "next"]

    /// Seconds that a run may wait in one visit: 1 second to 30 days.
    static let range: ClosedRange<TimeInterval> = 1...(30 * 86_400)

    /// Seconds.
    public let duration: TimeInterval
    public let next: String?

    public init?(_ reader: StepReader) {
        next = reader.port("next", takesTime: true)
        guard let duration = reader.fields.duration("duration", range: Self.range) else { return nil }
        self.duration = duration
    }

    public var fields: [(String, JSON)] {
        [("duration", .string(DurationText.format(duration))), ("next", .text(next))]
    }

    public func enter(_ context: inout StepContext) -> StepOutcome {
        guard !context.isClosed else { return .end(.conversationClosed) }
        let due = context.now.addingTimeInterval(duration)
        context.perform(.setTimer(due: due))
        return .wait(RunWait(.timer, due: due))
    }

    public func resume(_ signal: RunSignal, _ context: inout StepContext) -> StepOutcome? {
        signal.kind == .timer ? .take(port: "next", to: next) : nil
    }
}
