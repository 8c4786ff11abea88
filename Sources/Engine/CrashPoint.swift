import Foundation
import Synchronization

/// For tests of crashes: lets the process kill itself, as `kill -9` would, at a named point of its work.
///
/// `SWITCHBOARD_CRASH_AT="run.before_commit:3"` does so the third time that point is passed. Without the variable
/// nothing ever happens. The points: `ingest.before_commit`, `ingest.after_commit` (before the answer),
/// `run.before_commit`, `line.before_commit`, `effect.after_send` (before the outcome is recorded).
public enum CrashPoint {
    /// The probe for `IngestCombiner`, `Worker` and `EffectWorker`.
    public static func fromEnvironment(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> @Sendable (String) -> Void {
        let parts = environment["SWITCHBOARD_CRASH_AT"]?.split(separator: ":") ?? []
        guard parts.count == 2, let count = Int(parts[1]), count > 0 else { return { _ in } }
        let point = String(parts[0])
        let passed = Passed()
        return { name in
            if name == point, passed.next() == count { kill(getpid(), SIGKILL) }
        }
    }

    private final class Passed: Sendable {
        private let count = Atomic<Int>(0)

        func next() -> Int { count.add(1, ordering: .relaxed).newValue }
    }
}
