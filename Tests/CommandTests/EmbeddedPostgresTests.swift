import Foundation
import Logging
import Subprocess
import SystemPackage
import Testing

@testable import switchboard

/// With the real programs of PostgreSQL, on clusters in temporary directories.
@Suite struct EmbeddedPostgresTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs one statement by `psql` and returns what it printed.
    private func query(_ url: String, _ statement: String) async throws -> String {
        let installation = try #require(PostgresInstallation.all().first)
        let result = try await Subprocess.run(
            .name("psql"), arguments: ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement],
            environment: .custom(["PATH": installation.binaries, "LC_ALL": "C.UTF-8"]), output: .string(limit: 65_536),
            error: .combinedWithOutput)
        let output = result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
        guard result.terminationStatus.isSuccess else { throw Failed(output: output) }
        return output
    }

    private struct Failed: Error {
        let output: String
    }

    private func until(_ what: String, _ condition: () async -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while !(await condition()) {
            try #require(ContinuousClock.now < deadline, "\(what) did not happen")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test func theLastOneOutStopsItAndTheDataSurvives() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let state = directory.url.appendingPathComponent("state").path
        let first = EmbeddedPostgres(stateDirectory: state, logger: quiet)
        let url = try await first.start()
        #expect(try await query(url, "CREATE TABLE t (n int); INSERT INTO t VALUES (42); SELECT n FROM t") == "42")
        #expect(try await query(url, "SHOW listen_addresses") == "")
        #expect(try await query(url, "SHOW jit") == "off")
        let processID = try #require(await first.processID)
        // Its own session: a Ctrl-C at our terminal goes to our process group and not to the server.
        #expect(getsid(processID) == processID)

        let second = EmbeddedPostgres(stateDirectory: state, logger: quiet)
        #expect(try await second.start() == url)
        #expect(await second.processID == processID)
        await first.stop()
        #expect(try await query(url, "SELECT n FROM t") == "42")
        await second.stop()
        #expect(!PostmasterFile.isServer(processID, of: "\(state)/postgres"))
        await #expect(throws: Failed.self) { try await query(url, "SELECT 1") }

        let third = EmbeddedPostgres(stateDirectory: state, logger: quiet)
        let again = try await third.start()
        #expect(try await query(again, "SELECT n FROM t") == "42")
        await third.stop()
        // The socket's directory goes with it.
        #expect(!FileManager.default.fileExists(atPath: try #require(socketDirectory(url))))
    }

    private func socketDirectory(_ url: String) -> String? {
        url.split(separator: "=").last.flatMap { String($0).removingPercentEncoding }
    }

    @Test func tenAtOnceMakeOneCluster() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let all = (0..<10).map { _ in EmbeddedPostgres(stateDirectory: directory.url.path, logger: quiet) }
        let urls = try await withThrowingTaskGroup(of: String.self) { group in
            for one in all { group.addTask { try await one.start() } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(urls.count == 1)
        let url = try #require(urls.first)
        #expect(try await query(url, "SELECT current_database()") == "switchboard")
        let found = await all[0].processID
        let processID = try #require(found)
        await withTaskGroup(of: Void.self) { group in
            for one in all { group.addTask { await one.stop() } }
        }
        #expect(!PostmasterFile.isServer(processID, of: directory.url.path + "/postgres"))
    }

    @Test func aServerThatDiesIsStartedAgain() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let embedded = EmbeddedPostgres(stateDirectory: directory.url.path, logger: quiet)
        let url = try await embedded.start()
        _ = try await query(url, "CREATE TABLE t (n int); INSERT INTO t VALUES (7)")
        let killed = try #require(await embedded.processID)
        kill(killed, SIGKILL)
        try await until("a new server") {
            let now = await embedded.processID
            guard now != nil, now != killed else { return false }
            return (try? await query(url, "SELECT n FROM t")) == "7"
        }
        await embedded.stop()
    }

    @Test func whatAKilledProcessLeftIsAdopted() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        // A process of its own that is killed: its locks go with it, its server does not.
        let program = try #require(Program.path)
        let owner = try await Subprocess.run(
            .path(FilePath(program)), arguments: ["postgres", "--state-directory", directory.url.path], input: .none,
            output: .sequence, error: .discarded
        ) { execution in
            var text = ""
            for try await buffer in execution.standardOutput {
                text += String(decoding: buffer.withUnsafeBytes(Array.init), as: UTF8.self)
                if text.contains("\n") { break }
            }
            try execution.send(signal: .kill)
            return text.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let url = owner.closureResult
        #expect(url.hasPrefix("postgresql://"))
        let left = try #require(PostmasterFile.living(data: directory.url.path + "/postgres"))

        let adopter = EmbeddedPostgres(stateDirectory: directory.url.path, logger: quiet)
        #expect(try await adopter.start() == url)
        #expect(await adopter.processID == left.processID)
        #expect(try await query(url, "SELECT 1") == "1")
        await adopter.stop()
        #expect(PostmasterFile.anyServer(of: directory.url.path + "/postgres") == nil)
    }

    @Test func leftOversOfACrashDoNotStandInTheWay() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let data = directory.url.path + "/postgres"
        let half = directory.url.path + "/postgres.init-99999"
        try FileManager.default.createDirectory(atPath: half, withIntermediateDirectories: true)
        try Data("15\n".utf8).write(to: URL(fileURLWithPath: "\(half)/PG_VERSION"))
        let embedded = EmbeddedPostgres(stateDirectory: directory.url.path, logger: quiet)
        let url = try await embedded.start()
        #expect(!FileManager.default.fileExists(atPath: half))
        await embedded.stop()

        // A process id file whose number belongs to a process that is no server: this one.
        let file = "\(getpid())\n\(data)\n1\n5432\n\(try #require(socketDirectory(url)))\n\n0 0\nready   \n"
        try Data(file.utf8).write(to: URL(fileURLWithPath: "\(data)/postmaster.pid"))
        #expect(PostmasterFile.living(data: data) == nil)
        let next = EmbeddedPostgres(stateDirectory: directory.url.path, logger: quiet)
        #expect(try await next.start() == url)
        #expect(try await query(url, "SELECT 1") == "1")
        await next.stop()
    }

    @Test func aDirectoryOfAnotherVersionIsNamedAndLeftAlone() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let data = directory.url.path + "/postgres"
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        try Data("9\n".utf8).write(to: URL(fileURLWithPath: "\(data)/PG_VERSION"))
        // As it would be: owned by whom the server ran as.
        if geteuid() == 0 { chown(data, 65_534, 65_534) }
        let embedded = EmbeddedPostgres(stateDirectory: directory.url.path, logger: quiet)
        let error = await #expect(throws: EmbeddedPostgresError.self) { try await embedded.start() }
        #expect(error?.reason == .versionMismatch)
        #expect(error?.description.contains("postgresql-9") == true)
        await embedded.stop()
        #expect(try String(contentsOfFile: "\(data)/PG_VERSION", encoding: .utf8) == "9\n")

        try FileManager.default.removeItem(atPath: "\(data)/PG_VERSION")
        try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(data)/notes.txt"))
        let other = await #expect(throws: EmbeddedPostgresError.self) {
            try await EmbeddedPostgres(stateDirectory: directory.url.path, logger: quiet).start()
        }
        #expect(other?.reason == .notACluster)
    }

    @Test(.enabled(if: geteuid() == 0, "only root runs the server as somebody else"))
    func aFolderThatTheServersUserCannotReachIsLeftFor() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let closed = directory.url.path + "/closed"
        try FileManager.default.createDirectory(atPath: closed, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: closed)
        let elsewhere = directory.url.path + "/elsewhere"
        let embedded = EmbeddedPostgres(stateDirectory: "\(closed)/state", elsewhere: elsewhere, logger: quiet)
        let url = try await embedded.start()
        let data = try await query(url, "SHOW data_directory")
        #expect(data.hasPrefix("\(elsewhere)/") && data.hasSuffix("/postgres"))
        await embedded.stop()
        // There it stays, also when the folder could be reached later.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: closed)
        let later = EmbeddedPostgres(stateDirectory: "\(closed)/state", elsewhere: elsewhere, logger: quiet)
        #expect(try await query(later.start(), "SHOW data_directory") == data)
        await later.stop()
    }

    @Test(.enabled(if: geteuid() == 0, "only root runs the server as somebody else"))
    func aClusterThatIsOutOfReachNowIsNotReplacedByAnEmptyOne() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let folder = directory.url.path + "/folder"
        let first = EmbeddedPostgres(stateDirectory: "\(folder)/state", logger: quiet)
        _ = try await first.start()
        await first.stop()
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder)
        let elsewhere = directory.url.path + "/elsewhere"
        let second = EmbeddedPostgres(stateDirectory: "\(folder)/state", elsewhere: elsewhere, logger: quiet)
        let error = await #expect(throws: EmbeddedPostgresError.self) { try await second.start() }
        #expect(error?.description.contains("\(folder)/state") == true)
        await second.stop()
        #expect(!FileManager.default.fileExists(atPath: elsewhere))
    }

    @Test func cancellingTheStartLeavesNothingRunning() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        for pause in [10, 150, 700] {
            let embedded = EmbeddedPostgres(stateDirectory: directory.url.path, logger: quiet)
            let start = Task { try await embedded.start() }
            try await Task.sleep(for: .milliseconds(pause))
            start.cancel()
            _ = try? await start.value
            await embedded.stop()
            #expect(PostmasterFile.anyServer(of: directory.url.path + "/postgres") == nil)
        }
        let embedded = EmbeddedPostgres(stateDirectory: directory.url.path, logger: quiet)
        #expect(try await query(embedded.start(), "SELECT 1") == "1")
        await embedded.stop()
    }
}
