import Foundation

/// `.switchboard/demo.env`: how to reach the demo workspace, readable by its owner only, for shells to read in.
struct DemoFile: Sendable, Equatable {
    var url: String
    var key: String
    var operatorKey: String
    var channel: String

    static func path(_ settings: Settings) -> String { "\(settings.stateDirectory)/demo.env" }

    /// Null when there is no such file or something is missing in it.
    static func read(_ path: String) -> DemoFile? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        var values: [String: String] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
        }
        guard let url = values["SWITCHBOARD_URL"], let key = values["SWITCHBOARD_KEY"],
            let operatorKey = values["SWITCHBOARD_OPERATOR_KEY"], let channel = values["SWITCHBOARD_CHANNEL"]
        else { return nil }
        return DemoFile(url: url, key: key, operatorKey: operatorKey, channel: channel)
    }

    /// Writes it beside its place and renames: never half written, never readable by others, not for a moment.
    func write(_ path: String) throws(EmbeddedPostgresError) {
        let text = """
            SWITCHBOARD_URL=\(url)
            SWITCHBOARD_KEY=\(key)
            SWITCHBOARD_OPERATOR_KEY=\(operatorKey)
            SWITCHBOARD_CHANNEL=\(channel)

            """
        try ClusterLocation.makeDirectory((path as NSString).deletingLastPathComponent, mode: 0o711)
        let draft = "\(path).\(getpid())"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .file(path: draft, doing: "create", code: errno) }
        let bytes = Array(text.utf8)
        let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        guard written == bytes.count, rename(draft, path) == 0 else {
            let code = errno
            unlink(draft)
            throw .file(path: path, doing: "write", code: code)
        }
    }
}
