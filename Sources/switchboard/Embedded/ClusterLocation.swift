import Crypto
import Foundation
import TextForms

/// Where a cluster's files are: the data, the private directory of its socket, the log and the locks.
struct ClusterLocation: Sendable, Equatable {
    /// Holds the data directory, and a half-made one while `initdb` runs.
    let base: String
    /// Ours: locks and the server's log.
    let state: String
    /// Whether `base` is not the state directory, since the cluster's user cannot reach that.
    let isElsewhere: Bool
    /// Of the state directory's path: two folders never share a cluster.
    let fingerprint: String

    var data: String { "\(base)/postgres" }
    var log: String { "\(state)/postgres.log" }
    var startLock: String { "\(state)/postgres.lock" }
    var usersLock: String { "\(state)/postgres.users" }

    /// Socket paths may be 107 bytes long, so the directory is a short one: `/tmp/switchboard-{user id}-{8 hex digits}`.
    func socketDirectory(for user: ClusterUser) -> String {
        "/tmp/switchboard-\(user.userID)-\(fingerprint.prefix(8))"
    }

    /// Where the cluster of a state directory is or is to be: inside it, unless the cluster's user cannot reach it. Where
    /// a cluster exists, there it stays.
    ///
    /// - Parameters:
    ///   - state: the state directory; created if missing.
    ///   - elsewhere: where clusters go whose user cannot reach their state directory.
    static func find(
        state: String, elsewhere: String = "/var/lib/switchboard"
    ) async throws -> (ClusterLocation, ClusterUser) {
        try makeDirectory(state, mode: 0o711)
        guard let resolved = realpath(state, nil) else {
            throw EmbeddedPostgresError.file(path: state, doing: "resolve", code: errno)
        }
        defer { free(resolved) }
        let path = String(cString: resolved)
        let fingerprint = Hexadecimal.text(SHA256.hash(data: Data(path.utf8)).prefix(8))
        let inside = ClusterLocation(base: path, state: path, isElsewhere: false, fingerprint: fingerprint)
        let base = "\(elsewhere)/\(fingerprint)"
        let outside = ClusterLocation(base: base, state: path, isElsewhere: true, fingerprint: fingerprint)

        let exists = access(inside.data, F_OK) == 0
        if exists || access(outside.data, F_OK) != 0 {
            let user = try ClusterUser.choose(forData: inside.data)
            if try await canReach(path, user) { return (inside, user) }
            // An empty cluster elsewhere would look as if the data were gone.
            guard !exists, user.isSwitched else {
                throw EmbeddedPostgresError.file(path: path, doing: "enter and write as \(user.name)", code: EACCES)
            }
        }
        try makeDirectory(elsewhere, mode: 0o711)
        try makeDirectory(base, mode: 0o711)
        let user = try ClusterUser.choose(forData: outside.data)
        guard try await canReach(base, user) else {
            throw EmbeddedPostgresError.file(path: base, doing: "enter as \(user.name)", code: EACCES)
        }
        return (outside, user)
    }

    /// Asks the kernel, as that user: mode bits alone would miss access control lists and mount options.
    private static func canReach(_ directory: String, _ user: ClusterUser) async throws -> Bool {
        guard user.isSwitched else { return access(directory, W_OK | X_OK) == 0 }
        let shell = ServerProgram(installation: nil, user: user)
        return try await shell.run("sh", ["-c", "cd -- \"$1\"", "sh", directory]).succeeded
    }

    /// Makes the directory (and its parents); an existing one is left as it is.
    static func makeDirectory(_ path: String, mode: mode_t) throws(EmbeddedPostgresError) {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw .file(path: path, doing: "use as a directory", code: ENOTDIR)
            }
            return
        }
        let parent = (path as NSString).deletingLastPathComponent
        if !parent.isEmpty, parent != path { try makeDirectory(parent, mode: 0o755) }
        if mkdir(path, mode) != 0 {
            if errno == EEXIST { return }
            throw .file(path: path, doing: "create", code: errno)
        }
        // Said again without the umask: 077 would shut the cluster's user out.
        guard chmod(path, mode) == 0 else { throw .file(path: path, doing: "set the mode of", code: errno) }
    }

    /// Makes a directory that only `user` (and root) may enter, or checks that an existing one is just that.
    static func makePrivateDirectory(_ path: String, for user: ClusterUser) throws(EmbeddedPostgresError) {
        if mkdir(path, 0o700) == 0 {
            if user.isSwitched, chown(path, user.userID, user.groupID) != 0 {
                throw .file(path: path, doing: "give \(user.name)", code: errno)
            }
            return
        }
        guard errno == EEXIST else { throw .file(path: path, doing: "create", code: errno) }
        var status = stat()
        guard lstat(path, &status) == 0 else { throw .file(path: path, doing: "look at", code: errno) }
        // In a directory where anybody may write, somebody may have been there first.
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == user.userID, status.st_mode & 0o077 == 0 else {
            throw EmbeddedPostgresError(
                reason: .file,
                description: """
                    \(path) is not a private directory of \(user.name) (owner \(status.st_uid), mode \
                    \(String(status.st_mode & 0o7777, radix: 8))): remove it, then start again.
                    """)
        }
    }
}
