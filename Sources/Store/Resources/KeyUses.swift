import Foundation
import Postgres
import Synchronization

/// When keys called last, gathered in memory: a request must not cost a write for it.
///
/// A process that is killed forgets what it had not written, at most a minute.
public final class KeyUses: Sendable {
    /// By workspace and key.
    private let uses = Mutex<[UUID: [UUID: Date]]>([:])

    public init() {}

    /// The key called.
    public func note(_ key: WorkspaceKey, at date: Date = Date()) {
        uses.withLock { uses in
            let known = uses[key.workspace]?[key.id] ?? date
            uses[key.workspace, default: [:]][key.id] = max(known, date)
        }
    }

    /// Writes down what was gathered: one statement a workspace, all of them in one transaction. What could not be written
    /// stays for the next time.
    /// - Parameter store: with the owner's rights, since it concerns every workspace.
    public func write(to store: Store) async throws {
        let taken = uses.withLock { uses in
            defer { uses = [:] }
            return uses
        }
        guard !taken.isEmpty else { return }
        do {
            try await store.write { transaction in
                // Everybody locks in one order: processes that write at once wait and do not deadlock.
                for (workspace, keys) in taken.sorted(by: { $0.key.uuidString < $1.key.uuidString }) {
                    let sorted = keys.sorted { $0.key.uuidString < $1.key.uuidString }
                    try transaction.send("api_keys_note_uses", [workspace, sorted.map(\.key), sorted.map(\.value)])
                }
            }
        } catch {
            uses.withLock { uses in
                for (workspace, keys) in taken { uses[workspace, default: [:]].merge(keys) { max($0, $1) } }
            }
            throw error
        }
    }
}
