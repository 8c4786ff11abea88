import Foundation

/// The operating system's user that the server runs as. PostgreSQL refuses to run as root.
struct ClusterUser: Sendable, Equatable {
    let name: String
    let userID: uid_t
    let groupID: gid_t
    /// Whether a child must change to this user; false when we are this user.
    let isSwitched: Bool

    /// Who may run the cluster in `data`.
    ///
    /// Without root it is us, and what exists must be ours. With root it is the owner of what exists, else `postgres`
    /// (which comes with the package), else `nobody`.
    static func choose(forData data: String) throws(EmbeddedPostgresError) -> ClusterUser {
        var status = stat()
        let owner: uid_t? = lstat(data, &status) == 0 ? status.st_uid : nil
        let own = geteuid()
        if own != 0 {
            if let owner, owner != own {
                let name = named(userID: owner)?.name ?? "user \(owner)"
                throw .owner(data: data, owner: name, needed: "that user or root")
            }
            let name = named(userID: own)?.name ?? "user \(own)"
            return ClusterUser(name: name, userID: own, groupID: getegid(), isSwitched: false)
        }
        if let owner {
            guard owner != 0 else {
                throw .owner(
                    data: data, owner: "root, as whom PostgreSQL does not run",
                    needed: "before once its owner is another user (chown -R)")
            }
            if let found = named(userID: owner) { return found }
            return ClusterUser(name: "user \(owner)", userID: owner, groupID: status.st_gid, isSwitched: true)
        }
        for name in ["postgres", "nobody"] {
            if let found = named(name), found.userID != 0 { return found }
        }
        throw EmbeddedPostgresError(
            reason: .noUser,
            description: """
                PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody to run it as. \
                Start switchboard as an ordinary user.
                """)
    }

    private static func named(_ name: String) -> ClusterUser? {
        lookUp { entry, buffer, size, result in getpwnam_r(name, entry, buffer, size, result) }
    }

    private static func named(userID: uid_t) -> ClusterUser? {
        lookUp { entry, buffer, size, result in getpwuid_r(userID, entry, buffer, size, result) }
    }

    private typealias LookUp = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> CInt

    private static func lookUp(_ call: LookUp) -> ClusterUser? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        // 16 kB: far above any entry of a local file or directory service.
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
            guard let base = buffer.baseAddress, call(&entry, base, buffer.count, &found) == 0, found != nil,
                let name = entry.pw_name
            else { return nil }
            return ClusterUser(
                name: String(cString: name), userID: entry.pw_uid, groupID: entry.pw_gid,
                isSwitched: entry.pw_uid != geteuid())
        }
    }
}
