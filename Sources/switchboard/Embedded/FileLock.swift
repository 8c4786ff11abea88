import Foundation

/// An advisory lock on a file (`flock`), released by the kernel when the process ends however it ends.
///
/// The lock belongs to the open file description: two locks on one path exclude each other inside a process too.
/// The descriptor closes on `exec`, so no child can keep the lock alive.
final class FileLock: Sendable {
    enum Mode: Sendable {
        case shared
        case exclusive
    }

    let path: String
    private let descriptor: CInt

    /// Opens (and creates, for the owner only) the file at `path`. Takes no lock yet.
    init(path: String) throws(EmbeddedPostgresError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .file(path: path, doing: "open", code: errno) }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Takes the lock, or changes its mode, if that is possible at once.
    ///
    /// A failed change of mode loses the mode that was held: the kernel releases before it acquires.
    func tryLock(_ mode: Mode) -> Bool {
        let operation = mode == .shared ? LOCK_SH : LOCK_EX
        while true {
            if flock(descriptor, operation | LOCK_NB) == 0 { return true }
            if errno != EINTR { return false }
        }
    }

    /// Takes the lock, waiting up to `limit` for whoever holds it.
    ///
    /// - Returns: whether the lock was taken in time.
    /// - Throws: `CancellationError` when the task is cancelled while waiting.
    func lock(_ mode: Mode, within limit: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while !tryLock(mode) {
            if ContinuousClock.now >= deadline { return false }
            try await Task.sleep(for: .milliseconds(25))
        }
        return true
    }

    func unlock() {
        flock(descriptor, LOCK_UN)
    }
}
