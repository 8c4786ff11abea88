import Core
import Foundation
import Logging
import OrderedCollections

/// How log lines look on standard error.
enum LogFormat: String, Sendable {
    case text
    case json
}

/// Writes one line an event to standard error, in one piece, so that lines of several threads never mix.
struct LineLogHandler: LogHandler {
    let label: String
    let format: LogFormat
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let line = Self.line(
            format, at: Date(), label: label, level: event.level, message: event.message.description,
            metadata: merged(event))
        Self.write(line)
    }

    private func merged(_ event: LogEvent) -> Logger.Metadata {
        var result = metadata
        if let provided = metadataProvider?.get() { result.merge(provided) { _, new in new } }
        if let own = event.metadata { result.merge(own) { _, new in new } }
        if let error = event.error, result["error"] == nil { result["error"] = "\(error)" }
        return result
    }

    static func line(
        _ format: LogFormat, at now: Date, label: String, level: Logger.Level, message: String,
        metadata: Logger.Metadata
    ) -> String {
        let time = Timestamp.format(now)
        let pairs = metadata.sorted { $0.key < $1.key }
        switch format {
        case .text:
            let fields = pairs.map { " \($0.key)=\(quoted($0.value.description))" }.joined()
            // A message of several lines stays readable; its continuation is set in.
            let body = message.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n    ")
            return
                "\(time) \(level.rawValue.uppercased().padding(toLength: 8, withPad: " ", startingAt: 0)) \(body)\(fields)\n"
        case .json:
            var members: OrderedDictionary<String, JSON> = [
                "time": .string(time), "level": .string(level.rawValue), "logger": .string(label),
                "message": .string(message),
            ]
            for (key, value) in pairs {
                members[members.keys.contains(key) ? "metadata.\(key)" : key] = json(value)
            }
            return JSON.object(members).text + "\n"
        }
    }

    private static func quoted(_ text: String) -> String {
        let needsQuotes = text.isEmpty || text.contains { $0 == " " || $0 == "\"" || $0 == "=" || $0.isNewline }
        return needsQuotes ? JSON.string(text).text : text
    }

    private static func json(_ value: Logger.Metadata.Value) -> JSON {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let some): .string(some.description)
        case .array(let values): .array(values.map(json))
        case .dictionary(let values):
            .object(
                OrderedDictionary(
                    values.sorted { $0.key < $1.key }.map { ($0.key, json($0.value)) },
                    uniquingKeysWith: { first, _ in first }))
        }
    }

    private static func write(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let base = rest.baseAddress, !rest.isEmpty {
                let written = Foundation.write(STDERR_FILENO, base, rest.count)
                if written < 0, errno == EINTR { continue }
                // Nobody is left who could be told.
                if written <= 0 { return }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            }
        }
    }
}
