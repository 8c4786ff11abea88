import Foundation
import Logging
import Postgres
import ServiceLifecycle
import Store

/// Carries nudges between processes: `NOTIFY` from a connection of its own, after the commit and never inside a writing
/// transaction, where it would serialise all commits of the cluster.
///
/// A hint only: who misses one polls.
public final class Broadcast: Service {
    private static let channel = "switchboard"
    /// Set while a heard nudge is posted here, so that it is not told again.
    @TaskLocal private static var isHearing = false
    private let store: Store
    private let logger: Logger
    /// Whether this process should tell others. A process that works itself tells them only of lines, which may be
    /// another worker's; what it can do at once it does.
    private let tellsRuns: Bool

    public init(store: Store, tellsRuns: Bool, logger: Logger) {
        self.store = store
        self.tellsRuns = tellsRuns
        self.logger = logger
    }

    public func run() async throws {
        let (database, tellsRuns) = (store.database, tellsRuns)
        let origin = UUID().uuidString
        store.nudges.listen { nudges in
            guard !Self.isHearing else { return }
            for nudge in nudges {
                guard let text = Self.text(of: nudge, tellsRuns: tellsRuns) else { continue }
                database.notify(Self.channel, "\(origin) \(text)")
            }
        }
        await cancelWhenGracefulShutdown {
            for await notification in database.listen([Self.channel]) {
                let words = notification.payload.split(separator: " ")
                guard words.count >= 3, words[0] != origin, let nudge = Self.nudge(words.dropFirst()) else { continue }
                Self.$isHearing.withValue(true) { self.store.nudges.post([nudge]) }
            }
        }
    }

    private static func text(of nudge: Nudge, tellsRuns: Bool) -> String? {
        switch nudge {
        case .runs(let workspace): tellsRuns ? "runs \(workspace)" : nil
        case .line(let workspace, let line): "line \(workspace) \(line)"
        case .outbox(let workspace): tellsRuns ? "outbox \(workspace)" : nil
        case .jobs(let workspace): tellsRuns ? "jobs \(workspace)" : nil
        }
    }

    private static func nudge(_ words: ArraySlice<Substring>) -> Nudge? {
        let words = words.map(String.init)
        guard words.count >= 2, let workspace = UUID(uuidString: words[1]) else { return nil }
        switch words[0] {
        case "runs": return .runs(workspace: workspace)
        case "outbox": return .outbox(workspace: workspace)
        case "jobs": return .jobs(workspace: workspace)
        case "line":
            guard words.count == 3, let line = UUID(uuidString: words[2]) else { return nil }
            return .line(workspace: workspace, line: line)
        default: return nil
        }
    }
}
