import Crypto
import Foundation
import TextForms

/// One file of `sql/migrations`: `NNNN_name.sql`, append-only, its text checksummed.
public struct Migration: Sendable, Hashable {
    public let number: Int
    public let name: String
    /// Whether a program that does not know this migration must not use the database (S37).
    public let isBreaking: Bool
    public let sql: String
    /// SHA-256 of the text, in hexadecimal.
    public let checksum: String

    /// Reads the folder, in the order of the numbers.
    /// - Throws: `MigrationError` naming the file that is wrong.
    public static func all(in directory: URL) throws -> [Migration] {
        let files = try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "sql" }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
        var migrations: [Migration] = []
        for file in files {
            let migration = try Migration(file: file)
            if let last = migrations.last, last.number >= migration.number {
                throw MigrationError.badFile(file.lastPathComponent, "number \(migration.number) stands twice")
            }
            migrations.append(migration)
        }
        return migrations
    }

    init(file: URL) throws {
        let stem = file.deletingPathExtension().lastPathComponent
        let parts = stem.split(separator: "_", maxSplits: 1)
        guard parts.count == 2, parts[0].count == 4, let number = Int(parts[0]) else {
            throw MigrationError.badFile(file.lastPathComponent, "is not named NNNN_name.sql")
        }
        let sql = try String(contentsOf: file, encoding: .utf8)
        switch sql.split(separator: "\n", maxSplits: 1).first {
        case "-- breaking: yes": isBreaking = true
        case "-- breaking: no": isBreaking = false
        default: throw MigrationError.badFile(file.lastPathComponent, "does not begin with `-- breaking: yes|no`")
        }
        self.number = number
        name = String(parts[1])
        self.sql = sql
        checksum = Hexadecimal.text(SHA256.hash(data: Data(sql.utf8)))
    }
}

/// Why the schema is not what this program needs.
public enum MigrationError: Error, CustomStringConvertible {
    case badFile(String, String)
    case changed(Int, String)
    /// The database holds a breaking migration that this program does not know.
    case tooNew(Int, String)
    case pending([String])

    public var description: String {
        switch self {
        case .badFile(let file, let why): "sql/migrations/\(file) \(why)"
        case .changed(let number, let name):
            "migration \(number) (\(name)) was applied with another text; migrations are never edited, add a new one"
        case .tooNew(let number, let name):
            "the database holds the breaking migration \(number) (\(name)), which this program does not know: update the program"
        case .pending(let names):
            "migrations are pending: \(names.joined(separator: ", ")); run `switchboard migrate up`"
        }
    }
}
