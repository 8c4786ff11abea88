/// A snapshot of what the database object is doing, for gauges.
public struct DatabaseStatistics: Sendable, Hashable {
    public struct Lane: Sendable, Hashable {
        /// Connections wanted, connected and idle at this moment.
        public let connections: Int
        public let connected: Int
        public let idle: Int
        /// Callers in line.
        public let waiting: Int
        /// How long the first of them has waited.
        public let longestWait: Duration
        /// Callers whose work is at the server.
        public let inFlight: Int
        /// Since the start: callers whose work was done, callers refused, connections lost.
        public let served: UInt64
        public let refused: UInt64
        public let lostConnections: UInt64

        static let none = Lane(
            connections: 0, connected: 0, idle: 0, waiting: 0, longestWait: .zero, inFlight: 0, served: 0, refused: 0,
            lostConnections: 0)
    }

    public let read: Lane
    public let transaction: Lane
    /// Open `listen` streams.
    public let listeners: Int

    /// How long the one that waits longest for a connection of either kind has waited.
    public var longestWait: Duration { max(read.longestWait, transaction.longestWait) }

    static let none = DatabaseStatistics(read: .none, transaction: .none, listeners: 0)
}
