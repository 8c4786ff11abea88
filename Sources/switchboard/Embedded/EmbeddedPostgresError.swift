import Foundation

/// Why the private PostgreSQL cluster could not be brought up, in words for the person who started the program.
struct EmbeddedPostgresError: Error, Sendable, CustomStringConvertible, LocalizedError {
    enum Reason: Sendable, Equatable {
        case notInstalled
        case versionMismatch
        case noUser
        case file
        case notACluster
        case busy
        case initialisation
        case start
        case unresponsive
    }

    let reason: Reason
    let description: String

    var errorDescription: String? { description }

    static func file(path: String, doing action: String, code: CInt) -> EmbeddedPostgresError {
        EmbeddedPostgresError(
            reason: .file, description: "cannot \(action) \(path): \(String(cString: strerror(code)))")
    }

    static func notInstalled(searched: String) -> EmbeddedPostgresError {
        EmbeddedPostgresError(
            reason: .notInstalled,
            description: """
                no PostgreSQL server of version \(PostgresInstallation.minimumVersion) or newer in \(searched). \
                Install one (Debian: apt-get install postgresql), or set DATABASE_URL to use a server that runs elsewhere.
                """)
    }

    static func versionMismatch(data: String, version: Int, installed: [Int]) -> EmbeddedPostgresError {
        let found =
            installed.isEmpty
            ? "no PostgreSQL is installed" : "installed: \(installed.map(String.init).joined(separator: ", "))"
        return EmbeddedPostgresError(
            reason: .versionMismatch,
            description: """
                the data directory \(data) was made by PostgreSQL \(version), and that version is not here (\(found)). \
                Install postgresql-\(version), or move the data with pg_upgrade or pg_dump. Nothing was changed.
                """)
    }

    static func notACluster(data: String) -> EmbeddedPostgresError {
        EmbeddedPostgresError(
            reason: .notACluster,
            description: """
                \(data) exists and is not a PostgreSQL data directory (it has no readable PG_VERSION). \
                Move it away; it was left as it is.
                """)
    }

    static func owner(data: String, owner: String, needed: String) -> EmbeddedPostgresError {
        EmbeddedPostgresError(
            reason: .noUser,
            description: "the data directory \(data) belongs to \(owner); run as \(needed).")
    }

    static func busy(path: String, after limit: Duration) -> EmbeddedPostgresError {
        EmbeddedPostgresError(
            reason: .busy,
            description: """
                another switchboard has been starting or stopping PostgreSQL in this folder for \(limit) \
                (it holds \(path)). Wait for it, or end it.
                """)
    }
}
