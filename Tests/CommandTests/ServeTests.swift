import Foundation
import HTTPClient
import Subprocess
import Testing

@testable import switchboard

/// The whole program as its user meets it: one process with its private PostgreSQL, commands beside it.
@Suite struct ServeTests {
    private func demo(in directory: TemporaryDirectory) async throws -> DemoFile {
        let path = directory.url.path + "/.switchboard/demo.env"
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            if let file = DemoFile.read(path) { return file }
            try #require(ContinuousClock.now < deadline, "the demo has not come up")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test func demoReplayCommandsAndAnOrderlyEnd() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        var program = Program(directory: directory.url.path)
        let questions =
            "text,n\r\n\"My card, the \"\"new\"\" one\",1\r\n\"two\nlines about a transfer\",2\r\nñandú 🚀,3\r\n"
        try Data(questions.utf8).write(to: directory.url.appendingPathComponent("questions.csv"))

        let status = try await program.running("serve", "--demo", "--listen", "127.0.0.1:0") { signal in
            let file = try await demo(in: directory)
            program.environment = [
                "SWITCHBOARD_URL": file.url, "SWITCHBOARD_KEY": file.key, "SWITCHBOARD_CHANNEL": file.channel,
            ]

            let replay = try await program.run("replay", "questions.csv", "--prefix", "p")
            #expect(replay.succeeded, "\(replay.errors)\(replay.output)")
            #expect(replay.output.contains("accepted              3\n"))
            #expect(replay.output.contains("assigned              3\n"))
            #expect(replay.output.contains("Cards 1, General 1, Transfers 1"))
            let again = try await program.run("replay", "questions.csv", "--prefix", "p")
            #expect(again.output.contains("duplicates            3\n"))

            try await commands(program)
            try signal(.terminate)
        }
        #expect(status == .exited(0))
        #expect(PostmasterFile.anyServer(of: directory.url.path + "/.switchboard/postgres") == nil)
    }

    /// Beside a running server, on the same private cluster.
    private func commands(_ program: Program) async throws {
        #expect(try await program.run("check").output.hasSuffix("all is well\n"))
        let migrations = try await program.run("migrate", "status")
        #expect(migrations.succeeded && !migrations.output.contains("pending"))
        #expect(try await program.run("migrate", "up").output == "nothing is pending\n")

        let made = try await program.run("workspaces", "create", "Acme", "--time-zone", "America/Bogota")
        #expect(made.succeeded, "\(made.errors)")
        #expect(made.output.split(separator: "\n").count == 2)
        let twice = try await program.run("workspaces", "create", "acme")
        #expect(!twice.succeeded && twice.errors == "switchboard: Another workspace has this name.\n")
        #expect(try await program.run("workspaces", "create", "X", "--time-zone", "Mars/Olympus").status == .exited(1))
        #expect(try await program.run("workspaces", "list").output.contains("Acme  America/Bogota"))

        let key = try await program.run("keys", "create", "--workspace", "ACME", "--name", "CRM", "--role", "viewer")
        #expect(key.output.hasPrefix("sb_"))
        let id = String(key.errors.trimmingCharacters(in: .whitespacesAndNewlines).dropFirst(3))
        let rotated = try await program.run("keys", "rotate", id, "--workspace", "Acme", "--overlap", "PT1H")
        #expect(rotated.output.hasPrefix("sb_") && rotated.output != key.output)
        #expect(try await program.run("keys", "revoke", id, "--workspace", "Acme").output == "revoked CRM\n")
        let limited = try await program.run(
            "keys", "create", "--workspace", "Acme", "--name", "BI", "--role", "viewer", "--scope", "reports:read",
            "--allow-address", "192.0.2.0/24", "--expires", "P90D")
        #expect(limited.succeeded, "\(limited.errors)")
        let keys = try await program.run("keys", "list", "--workspace", "Acme")
        #expect(keys.output.contains("viewer  reports:read  192.0.2.0/24"))
        #expect(keys.output.contains(id) && !keys.output.contains(key.output.split(separator: "_")[2]))
        #expect(try await program.run("keys", "create", "--operator", "--name", "ops").output.hasPrefix("sbo_"))
        #expect(try await program.run("keys", "list", "--workspace", "Nobody").status == .exited(1))

        #expect(try await program.run("jobs", "list").output.contains("conversations"))
        let today = Date().formatted(.iso8601.year().month().day())
        let tomorrow = Date().addingTimeInterval(2 * 86_400).formatted(.iso8601.year().month().day())
        let job = ["--workspace", "Demo", "--from", today, "--to", tomorrow, "--time-zone", "UTC"]
        let report = try await program.run(
            "jobs", "run", "conversations", job[0], job[1], job[2], job[3], job[4], job[5], job[6], job[7])
        #expect(report.succeeded && report.output.contains("total"), "\(report.errors)")
        let inverted = try await program.run(
            "jobs", "run", "conversations", "--workspace", "Demo", "--from", tomorrow, "--to", today)
        #expect(inverted.status == .exited(1) && inverted.errors.contains("to"))
    }

    @Test func everyMistakeOfTheCommandLineIsSaidAndNothingIsStarted() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        var program = Program(directory: directory.url.path)
        program.environment = ["DATABASE_URL": "hunter2", "SWITCHBOARD_LISTEN": "nowhere"]
        let outcome = try await program.run("serve", "--log-level", "loud")
        #expect(outcome.status == .exited(64))
        for name in ["DATABASE_URL", "SWITCHBOARD_LISTEN", "--log-level"] { #expect(outcome.errors.contains(name)) }
        #expect(!outcome.errors.contains("hunter2"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.url.path).isEmpty)
    }

    @Test func aDatabaseThatIsDownIsWaitedForUpToALimit() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        var program = Program(directory: directory.url.path)
        // Port 1: nobody listens there.
        program.environment = [
            "DATABASE_URL": "postgresql://x:hunter2@127.0.0.1:1/x", "SWITCHBOARD_DATABASE_LIMIT": "PT1S",
        ]
        let outcome = try await program.run("serve")
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("waiting for the database at 127.0.0.1:1"))
        #expect(!outcome.errors.contains("hunter2"))
    }

    @Test func aFileWithoutTextIsRefusedBeforeAnythingIsSent() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        try Data("question\nx\n".utf8).write(to: directory.url.appendingPathComponent("x.csv"))
        var program = Program(directory: directory.url.path)
        program.environment = [
            "SWITCHBOARD_URL": "http://127.0.0.1:1", "SWITCHBOARD_KEY": "k",
            "SWITCHBOARD_CHANNEL": UUID().uuidString,
        ]
        let outcome = try await program.run("replay", "x.csv")
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors == "switchboard: there is no column called text; the header has: question\n")
    }
}
