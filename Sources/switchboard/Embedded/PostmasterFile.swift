import Foundation

/// What `postmaster.pid` in a data directory says, checked against the processes that are there.
///
/// The number alone proves nothing: after a crash of the machine or a new container it may belong to any process.
/// A postmaster's working directory is its data directory, and that cannot be a coincidence.
struct PostmasterFile: Sendable, Equatable {
    let processID: pid_t
    let socketDirectory: String
    /// `starting`, `ready`, `stopping` or `standby`.
    let status: String

    /// Null when there is no such file or it is not written to its end yet.
    static func read(data: String) -> PostmasterFile? {
        guard let text = try? String(contentsOfFile: "\(data)/postmaster.pid", encoding: .utf8) else { return nil }
        // Lines: process, data directory, start, port, socket directory, address, shared memory, status.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
        guard lines.count >= 5, let processID = pid_t(lines[0]) else { return nil }
        return PostmasterFile(
            processID: processID, socketDirectory: lines[4], status: lines.count >= 8 ? lines[7] : "starting")
    }

    /// The postmaster that runs on `data`, if one does.
    static func living(data: String) -> PostmasterFile? {
        guard let file = read(data: data), isServer(file.processID, of: data) else { return nil }
        return file
    }

    /// Whether that process is a living server process of this data directory. A zombie is not.
    static func isServer(_ processID: pid_t, of data: String) -> Bool {
        guard processID > 0, workingDirectory(processID) == data else { return false }
        // A person's shell may stand in the directory as well.
        let name = try? String(contentsOfFile: "/proc/\(processID)/comm", encoding: .utf8)
        return name == "postgres\n"
    }

    /// Any server process of this data directory, postmaster or not: a backend may outlive its postmaster a moment.
    static func anyServer(of data: String) -> pid_t? {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for entry in entries {
            if let processID = pid_t(entry), isServer(processID, of: data) { return processID }
        }
        return nil
    }

    /// Removes what a server that is gone left behind and what would stop the next one: its process id file and its
    /// socket's lock file, both of which are trusted for as long as *any* process has that number.
    ///
    /// Only to be called under the start lock, and only when ``anyServer(of:)`` finds none.
    static func clear(data: String, socketDirectory: String) {
        unlink("\(data)/postmaster.pid")
        unlink("\(socketDirectory)/.s.PGSQL.5432")
        unlink("\(socketDirectory)/.s.PGSQL.5432.lock")
    }

    private static func workingDirectory(_ processID: pid_t) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let length = readlink("/proc/\(processID)/cwd", base, buffer.count - 1)
            guard length > 0 else { return nil }
            base[length] = 0
            return String(cString: base)
        }
    }
}
