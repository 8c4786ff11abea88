/// What a key or an agent may do. Each includes what the next may.
public enum Role: String, Sendable, Hashable, CaseIterable {
    /// Everything in the workspace, keys included.
    case owner
    /// Everything but keys.
    case manager
    /// Works with contacts and conversations; leaves people, teams, channels and workflows alone.
    case agent
    /// Reads.
    case viewer
}
