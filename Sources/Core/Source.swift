/// Who wanted a change. Reports go by it; whether a line or a person's hand carried it out is another matter.
public enum Source: String, Sendable, Hashable, CaseIterable {
    case contact
    case agent
    case workflow
    case api
    case `import`
    case ad
    case autoClose = "auto_close"
    case presence
    case merge
    case system

    /// Whether a person decided: workflows leave such decisions alone.
    public var isPerson: Bool { self == .agent || self == .api }
}
