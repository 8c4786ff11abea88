import Foundation

/// The directory that holds `sql/` and `jobs/`, which are read at run time.
struct RootDirectory: Sendable, Hashable {
    let path: String

    var migrations: URL { url("sql/migrations") }
    var queries: URL { url("sql/queries") }
    var jobs: URL { url("jobs") }
    var openAPI: URL { url("openapi.yaml") }

    private func url(_ relative: String) -> URL {
        URL(fileURLWithPath: path, isDirectory: true).appendingPathComponent(relative)
    }

    struct NotFound: Error, Sendable, CustomStringConvertible {
        let tried: [String]

        var description: String {
            """
            no directory with sql/migrations and sql/queries found; tried:
            \(tried.map { "  \($0)" }.joined(separator: "\n"))
            Name it with --root or SWITCHBOARD_ROOT.
            """
        }
    }

    /// - Parameters:
    ///   - given: what the user named; then nothing else is tried.
    ///   - program: the path of the running program; its directory and those above it are tried.
    static func find(
        given: String?, program: String?, currentDirectory: String
    ) throws(NotFound) -> RootDirectory {
        var candidates: [String] = []
        if let given {
            candidates.append(absolute(given, in: currentDirectory))
        } else {
            var directory = program.map { ($0 as NSString).deletingLastPathComponent } ?? ""
            // `.build/<triple>/release` is four levels deep; installed layouts are shallower.
            for _ in 0..<6 where !directory.isEmpty && directory != "/" {
                candidates.append(directory)
                directory = (directory as NSString).deletingLastPathComponent
            }
            if !candidates.contains(currentDirectory) { candidates.append(currentDirectory) }
        }
        for candidate in candidates
        where isDirectory("\(candidate)/sql/migrations") && isDirectory("\(candidate)/sql/queries") {
            return RootDirectory(path: candidate)
        }
        throw NotFound(tried: candidates)
    }

    /// The running program's own file, whatever name it was started by.
    static var program: String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }

    static func absolute(_ path: String, in directory: String) -> String {
        path.hasPrefix("/") ? path : "\(directory)/\(path)"
    }

    private static func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }
}
