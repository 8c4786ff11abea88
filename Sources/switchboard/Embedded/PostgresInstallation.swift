import Foundation

/// One PostgreSQL server on this machine: its major version and the directory of its programs.
struct PostgresInstallation: Sendable, Equatable {
    /// The oldest server that the schema and the statements are written for.
    static let minimumVersion = 15
    /// Where Debian's packages put every major version side by side.
    static let standardRoot = "/usr/lib/postgresql"

    let version: Int
    let binaries: String

    /// Every complete installation below `root`, newest first. `PATH` plays no part.
    static func all(under root: String = standardRoot) -> [PostgresInstallation] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return names.compactMap { name -> PostgresInstallation? in
            guard let version = Int(name) else { return nil }
            let binaries = "\(root)/\(name)/bin"
            let needed = ["postgres", "initdb", "pg_isready"]
            guard needed.allSatisfy({ access("\(binaries)/\($0)", X_OK) == 0 }) else { return nil }
            return PostgresInstallation(version: version, binaries: binaries)
        }
        .sorted { $0.version > $1.version }
    }

    /// The installation to use for `data`: the one that made it, or the newest for a cluster that does not exist yet.
    static func choose(
        forData data: String, under root: String = standardRoot
    ) throws(EmbeddedPostgresError) -> PostgresInstallation {
        let installed = all(under: root)
        if let version = try dataVersion(data) {
            guard let match = installed.first(where: { $0.version == version }) else {
                throw .versionMismatch(data: data, version: version, installed: installed.map(\.version))
            }
            return match
        }
        guard let newest = installed.first, newest.version >= minimumVersion else {
            throw .notInstalled(searched: "\(root)/*/bin")
        }
        return newest
    }

    /// The major version written in a data directory; nil when there is no directory yet (or an empty one).
    static func dataVersion(_ data: String) throws(EmbeddedPostgresError) -> Int? {
        let path = "\(data)/PG_VERSION"
        if let text = try? String(contentsOfFile: path, encoding: .utf8) {
            guard let version = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                throw .notACluster(data: data)
            }
            return version
        }
        if access(path, F_OK) == 0 { throw .file(path: path, doing: "read", code: EACCES) }
        var status = stat()
        guard lstat(data, &status) == 0 else { return nil }
        let entries: [String]
        do {
            entries = try FileManager.default.contentsOfDirectory(atPath: data)
        } catch {
            throw .file(path: data, doing: "read", code: EACCES)
        }
        if entries.isEmpty { return nil }
        throw .notACluster(data: data)
    }
}
