import Foundation

/// The schema of a database as text that is the same every time: without comments, settings, owners, and the partitions
/// of months, which depend on the day.
enum SchemaDump {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func of(_ url: String, major: Int) throws -> String {
        guard let program = program(major: major) else {
            throw Failure(description: "there is no pg_dump for PostgreSQL \(major)")
        }
        let process = Process()
        let output = Pipe()
        process.executableURL = program
        process.arguments = [
            "--schema-only", "--no-owner", "--no-comments", "--exclude-table=*_20[0-9][0-9]_[0-9][0-9]",
            "--dbname=\(url)",
        ]
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: "pg_dump failed") }
        var lines = [
            "-- Generated from sql/migrations: SWITCHBOARD_WRITE_SCHEMA=1 swift test --filter SchemaTests",
            "-- PostgreSQL \(major)", "",
        ]
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false) {
            // psql's commands differ with each run of newer versions of pg_dump.
            if ["--", "SET ", "SELECT pg_catalog.", "\\"].contains(where: { line.hasPrefix($0) }) { continue }
            if line.isEmpty, lines.last?.isEmpty ?? true { continue }
            lines.append(String(line))
        }
        return lines.joined(separator: "\n").trimmingCharacters(in: .newlines) + "\n"
    }

    private static func program(major: Int) -> URL? {
        let search = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":").map(String.init) ?? []
        return (["/usr/lib/postgresql/\(major)/bin"] + search).map { URL(filePath: $0).appending(path: "pg_dump") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }
}
