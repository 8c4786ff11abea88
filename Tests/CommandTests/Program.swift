import Foundation
import Subprocess
import SystemPackage

@testable import switchboard

/// The command itself, as a process of its own with nothing of the test's environment.
struct Program: Sendable {
    struct Outcome: Sendable {
        let status: TerminationStatus
        let output: String
        let errors: String

        var succeeded: Bool { status.isSuccess }
    }

    /// Built beside this test bundle.
    static var path: String? {
        let candidates = [CommandLine.arguments.first, Bundle.main.executablePath, RootDirectory.program]
        return candidates.compactMap(\.self).map { ($0 as NSString).deletingLastPathComponent + "/switchboard" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// The root of the project, where `sql/` and `jobs/` are.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    let directory: String
    var environment: [String: String] = [:]

    private func environment(path: String) -> Environment {
        var values: [Environment.Key: String] = [
            "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "SWITCHBOARD_ROOT": Self.root,
        ]
        for (name, value) in environment {
            if let key = Environment.Key(rawValue: name) { values[key] = value }
        }
        return .custom(values)
    }

    /// Runs it to its end.
    func run(_ arguments: String...) async throws -> Outcome {
        guard let path = Self.path else { throw ProgramMissing() }
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments), environment: environment(path: path),
            workingDirectory: FilePath(directory), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        return Outcome(
            status: result.terminationStatus, output: result.standardOutput, errors: result.standardError)
    }

    /// Runs it while the body runs; the body ends it by its signals. Told to end when the body throws.
    func running(
        _ arguments: String..., body: (_ signal: (Signal) throws -> Void) async throws -> Void
    ) async throws -> TerminationStatus {
        guard let path = Self.path else { throw ProgramMissing() }
        var options = PlatformOptions()
        options.createSession = true
        return try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments), environment: environment(path: path),
            workingDirectory: FilePath(directory), platformOptions: options, input: .none, output: .discarded,
            error: .discarded
        ) { execution in
            do {
                try await body { try execution.send(signal: $0) }
            } catch {
                try? execution.send(signal: .terminate)
                throw error
            }
        }.terminationStatus
    }
}

struct ProgramMissing: Error {}
