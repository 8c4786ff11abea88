/// How a line chooses among the agents who can take a conversation (S18).
public enum RoutingStrategy: String, Sendable, Hashable, CaseIterable {
    /// The least recently chosen by round robin: the lowest turn, ties by id.
    case roundRobin = "round_robin"
    /// The fewest open conversations, then the lower turn, then the id. Takes no turn.
    case leastOpen = "least_open"
}
