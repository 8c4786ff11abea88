import Core
import Foundation
import Postgres
import Synchronization

/// Parsed workflow versions. A published version never changes (S13), so a copy in memory is never stale.
public final class WorkflowVersions: Sendable {
    struct Key: Hashable {
        let workspace: UUID
        let workflow: UUID
        let version: Int
    }

    struct Version {
        let definition: WorkflowDefinition
        let name: String
    }

    /// A definition takes some tens of kilobytes; beyond this many the memory is given back and filled anew.
    private static let capacity = 500
    private let versions = Mutex<[Key: Version]>([:])

    public init() {}

    subscript(key: Key) -> Version? {
        get { versions.withLock { $0[key] } }
    }

    func keep(_ version: Version, for key: Key) {
        versions.withLock { versions in
            if versions.count >= Self.capacity { versions.removeAll(keepingCapacity: true) }
            versions[key] = version
        }
    }
}

extension StoreTransaction {
    /// The version a run is pinned to; nil when it cannot be read by this program.
    func version(_ key: WorkflowVersions.Key, _ known: WorkflowVersions) throws -> WorkflowVersions.Version? {
        if let version = known[key] { return version }
        let row = try query("workflow_version_definition", [key.workspace, key.workflow, key.version]).first
        guard let row, let definition = try? WorkflowDefinition.parse(try row.decodeJSON("definition")) else {
            return nil
        }
        let version = WorkflowVersions.Version(definition: definition, name: try row.decode("name"))
        known.keep(version, for: key)
        return version
    }
}
