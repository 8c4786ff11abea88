import Glibc

/// The process's limit of file descriptors. Without one there is no accepting, no connection to the database and no
/// loading of a file, so connections of clients may take only what the rest does not need.
enum DescriptorLimit {
    /// Descriptors kept for everything but clients: two pools with their wakers, event loops, channels' receivers, files.
    private static let reserve = 192

    /// Raises the limit as far as it goes without asking anybody.
    /// - Returns: how many connections of clients there may be, at most those wanted.
    static func connections(_ wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return min(wanted, 512) }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, rlim_t(wanted + 2 * reserve)))
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            _ = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        let available = Int(clamping: limit.rlim_cur)
        return max(16, min(wanted, available - min(reserve, available / 2)))
    }
}
