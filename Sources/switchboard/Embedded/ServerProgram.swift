import Foundation
import Subprocess
import SystemPackage

/// Runs one of PostgreSQL's programs as the cluster's user, in a session of its own, away from our terminal's signals.
struct ServerProgram: Sendable {
    /// Null when only the operating system's own programs are needed.
    let installation: PostgresInstallation?
    let user: ClusterUser

    struct Outcome: Sendable {
        let succeeded: Bool
        let status: String
        /// Standard output and standard error together.
        let output: String
    }

    /// Runs `program` to its end and collects what it said (up to 256 kB).
    ///
    /// Cancelling the task ends the program: SIGTERM, after 2 s SIGKILL.
    func run(_ program: String, _ arguments: [String], input: String = "") async throws -> Outcome {
        let (name, arguments) = asUser(program, arguments)
        let result = try await Subprocess.run(
            .name(name), arguments: Arguments(arguments), environment: environment, workingDirectory: "/",
            platformOptions: platformOptions, input: .string(input), output: .string(limit: 262_144),
            error: .combinedWithOutput)
        return Outcome(
            succeeded: result.terminationStatus.isSuccess, status: result.terminationStatus.description,
            output: result.standardOutput)
    }

    /// Starts the server and leaves it running; its output goes to the file at `log`.
    ///
    /// The server is a child of this process and outlives it if this process is killed. The returned task ends when
    /// the server has ended (and was reaped), with its status in words; cancelling it has no effect on the server.
    func launchServer(
        arguments: [String], log: String
    ) async throws -> (processID: pid_t, termination: Task<String, Never>) {
        let descriptor = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw EmbeddedPostgresError.file(path: log, doing: "open", code: errno) }
        let (name, arguments) = asUser("postgres", arguments)
        let (started, continuation) = AsyncStream<pid_t>.makeStream()
        // Detached and never cancelled: the run has to see the server's end, whatever becomes of who asked for it.
        let termination = Task.detached {
            defer { continuation.finish() }
            do {
                let result = try await Subprocess.run(
                    .name(name), arguments: Arguments(arguments), environment: environment, workingDirectory: "/",
                    platformOptions: platformOptions, input: .none,
                    output: .fileDescriptor(FileDescriptor(rawValue: descriptor), closeAfterSpawningProcess: true),
                    error: .combinedWithOutput
                ) { execution in
                    continuation.yield(execution.processIdentifier.value)
                    continuation.finish()
                }
                return result.terminationStatus.description
            } catch {
                return "could not be started: \(error)"
            }
        }
        for await processID in started { return (processID, termination) }
        throw EmbeddedPostgresError(reason: .start, description: "PostgreSQL \(await termination.value)")
    }

    private var environment: Environment {
        let system = "/usr/bin:/bin"
        return .custom([
            "PATH": installation.map { "\($0.binaries):\(system)" } ?? system,
            "LC_ALL": "C.UTF-8",
            "HOME": "/",
        ])
    }

    /// The program as the cluster's user: by `setpriv` (util-linux), which executes it in its own place, so the
    /// process id stays.
    ///
    /// Not by swift-subprocess's `userID`: that forks by a bare `clone3` and calls `setgroups` and `setuid` in the
    /// child, where glibc still believes in our other threads. Where one of them is just being created it waits for
    /// it for ever, and so do we (seen once in a thousand starts). Without a user it spawns by `posix_spawn`.
    private func asUser(_ program: String, _ arguments: [String]) -> (String, [String]) {
        guard user.isSwitched else { return (program, arguments) }
        let identity = ["--reuid=\(user.userID)", "--regid=\(user.groupID)", "--clear-groups", program]
        return ("setpriv", identity + arguments)
    }

    private var platformOptions: PlatformOptions {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(2))]
        return options
    }
}
