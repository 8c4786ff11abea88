import Foundation
import Synchronization

/// Closed at first, and open for ever once it was opened.
public final class Gate: Sendable {
    private let state = Atomic<Bool>(false)

    public init() {}

    public var isOpen: Bool { state.load(ordering: .acquiring) }

    public func open() { state.store(true, ordering: .releasing) }

    public func open(after delay: Duration) {
        Task {
            try await Task.sleep(for: delay)
            open()
        }
    }

    /// Blocks: for threads of their own.
    public func wait() { while !isOpen { usleep(10_000) } }
}
