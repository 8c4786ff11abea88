import Foundation
import Synchronization

/// Something that a worker would like to know at once.
public enum Nudge: Hashable, Sendable {
    /// A run of the workspace has a due signal.
    case runs(workspace: UUID)
    /// Somebody entered the line, or room appeared for it.
    case line(workspace: UUID, line: UUID)
    /// The outbox has something to send.
    case outbox(workspace: UUID)
    /// A job run is due.
    case jobs(workspace: UUID)
}

/// Tells those who listen in this process what was just committed. A lost nudge costs a polling interval, nothing else.
public final class Nudges: Sendable {
    private let listeners = Mutex<[@Sendable (Set<Nudge>) -> Void]>([])

    public init() {}

    /// Calls `listener` after every commit that had something to announce. It must return at once.
    public func listen(_ listener: @escaping @Sendable (Set<Nudge>) -> Void) {
        listeners.withLock { $0.append(listener) }
    }

    /// Hands `nudges` to everybody who listens.
    public func post(_ nudges: Set<Nudge>) {
        guard !nudges.isEmpty else { return }
        for listener in listeners.withLock({ $0 }) { listener(nudges) }
    }
}
