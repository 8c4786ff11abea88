import Synchronization

/// When a connection of this database object was last found silent, and so what to think of its others.
///
/// A way that has gone takes all connections along, and each would be found out by a caller of its own, one silence after
/// the other. Whoever has not heard from the server since makes a new connection instead, which costs milliseconds.
final class Silence: Sendable {
    private let foundAt = Atomic<UInt64>(0)

    func found() { foundAt.store(MonotonicTime.now, ordering: .relaxed) }

    /// - Parameter heard: when a connection last heard from the server.
    func isSuspected(_ heard: UInt64) -> Bool { heard < foundAt.load(ordering: .relaxed) }
}
