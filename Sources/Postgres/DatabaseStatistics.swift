/// A snapshot of what the database object is doing, for gauges.
public struct DatabaseStatistics: Sendable, Hashable {
    public struct Lane: Sendable, Hashable {
        /// Connections wanted, connected and idle at this moment.
        public let connections: Int
        public let connected: Int
        public let idle: Int
        /// Callers in line.
        public let waiting: Int
        /// Callers whose work is at the server.
        public let inFlight: Int
        /// Since the start: callers whose work was done, callers refused, connections lost.
        public let served: UInt64
        public let refused: UInt64
        public let lostConnections: UInt64

        static let none = Lane(
            connections: 0, connected: 0, idle: 0, waiting: 0, inFlight: 0, served: 0, refused: 0, lostConnections: 0)
    }

    public let read: Lane
    public let transaction: Lane
    /// Open `listen` streams.
    public let listeners: Int

    static let none = DatabaseStatistics(read: .none, transaction: .none, listeners: 0)
}
