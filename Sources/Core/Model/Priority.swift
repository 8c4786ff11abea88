/// How urgent a conversation is; the first criterion of a line's order (S16).
public enum Priority: String, Sendable, CaseIterable {
    case urgent, high, normal, low

    /// 0 is served first.
    public var rank: Int {
        switch self {
        case .urgent: 0
        case .high: 1
        case .normal: 2
        case .low: 3
        }
    }
}
