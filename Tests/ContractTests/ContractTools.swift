import Foundation
import Subprocess
import SystemPackage
import TestKit
import Testing

/// The programs of Tests/Contract, in the environment that `.ci/venv` makes.
enum ContractTools {
    static let python = ProjectRoot.url.appending(path: ".build/venv/bin/python").path

    /// Runs a program in the project's folder, prints what it printed, and demands that it succeeds.
    static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var values: [Environment.Key: String?] = [:]
        for (name, value) in environment {
            if let key = Environment.Key(rawValue: name) { values[key] = value }
        }
        let result = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(arguments), environment: .inherit.updating(values),
            workingDirectory: FilePath(ProjectRoot.url.path), output: .string(limit: 8 << 20),
            error: .string(limit: 8 << 20))
        print(result.standardOutput, terminator: "")
        #expect(
            result.terminationStatus.isSuccess,
            "\(result.standardOutput.suffix(20_000))\(result.standardError.suffix(4000))",
            sourceLocation: sourceLocation)
    }

    static func python(
        _ script: String, _ arguments: [String] = [], environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await run(
            python, ["-B", "Tests/Contract/\(script)"] + arguments, environment: environment,
            sourceLocation: sourceLocation)
    }
}
