import Configuration
import Core
import Foundation

/// A mistake in one setting, with where its value came from and never with a secret value.
struct SettingProblem: Sendable, Hashable, CustomStringConvertible {
    let name: String
    let message: String

    var description: String { "\(name): \(message)" }
}

/// Reads settings from flags, environment and file, in this order of precedence, and keeps every mistake it meets.
struct SettingsReader {
    private struct Origin {
        let provider: any ConfigSnapshot
        let name: (Setting) -> String
    }

    private let origins: [Origin]
    private(set) var problems: [SettingProblem] = []

    /// - Parameters:
    ///   - flags: what was said on the command line, by setting.
    ///   - file: the parsed configuration file and its path, if there is one.
    init(flags: [Setting: String], environment: [String: String], file: (path: String, content: JSONSnapshot)?) {
        let variables = Dictionary(
            Setting.all.map { ($0.absoluteKey, $0.environment.split(separator: "_").map { $0.lowercased() }) },
            uniquingKeysWith: { first, _ in first })
        let flagValues = Dictionary(
            flags.map { ($0.key.absoluteKey, ConfigValue(.string($0.value), isSecret: false)) },
            uniquingKeysWith: { first, _ in first })
        let environmentProvider = KeyMappingProvider(
            upstream: EnvironmentVariablesProvider(
                environmentVariables: environment, secretsSpecifier: .specific([Setting.databaseURL.environment]))
        ) { key in
            variables[key].map { AbsoluteConfigKey($0) } ?? key
        }
        var origins = [
            Origin(
                provider: InMemoryProvider(name: "flags", values: flagValues).snapshot(),
                name: { $0.flag ?? $0.environment }),
            Origin(provider: environmentProvider.snapshot(), name: { $0.environment }),
        ]
        if let file {
            origins.append(Origin(provider: file.content, name: { "\"\($0.key)\" in \(file.path)" }))
        }
        self.origins = origins
    }

    mutating func text(_ setting: Setting) -> String? {
        found(setting, as: .string)?.text
    }

    mutating func integer(_ setting: Setting, in range: ClosedRange<Int>, default fallback: Int) -> Int {
        guard let found = found(setting, as: .int) else { return fallback }
        guard let value = found.text.flatMap(Int.init) ?? found.integer, range.contains(value) else {
            problem(found.name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            return fallback
        }
        return value
    }

    mutating func bool(_ setting: Setting, default fallback: Bool) -> Bool {
        guard let found = found(setting, as: .bool) else { return fallback }
        if let value = found.bool { return value }
        switch found.text?.lowercased() {
        case "true", "yes", "1": return true
        case "false", "no", "0": return false
        default:
            problem(found.name, "must be true or false")
            return fallback
        }
    }

    mutating func duration(_ setting: Setting, default fallback: Duration) -> Duration {
        guard let found = found(setting, as: .string) else { return fallback }
        guard let seconds = found.text.flatMap({ DurationText.parse($0) }), seconds <= 3_600 else {
            problem(found.name, "must be an ISO 8601 duration of at most an hour, such as PT30S")
            return fallback
        }
        return .seconds(seconds)
    }

    /// Nil is off.
    mutating func rateLimit(_ setting: Setting, default fallback: RateLimit?) -> RateLimit? {
        let limit = parsed(setting, "must be REQUESTS/DURATION, such as 6000/PT1M, or off") { text -> RateLimit?? in
            text.lowercased() == "off" ? .some(nil) : RateLimit(text).map { .some($0) }
        }
        return limit ?? fallback
    }

    /// Reads text and lets `parse` make a value of it; nil from there means a mistake, named by `expectation`.
    mutating func parsed<Value>(_ setting: Setting, _ expectation: String, _ parse: (String) -> Value?) -> Value? {
        guard let found = found(setting, as: .string), let text = found.text else { return nil }
        let value = parse(text)
        if value == nil { problem(found.name, expectation) }
        return value
    }

    mutating func problem(_ name: String, _ message: String) {
        problems.append(SettingProblem(name: name, message: message))
    }

    private struct Found {
        let name: String
        var text: String?
        var integer: Int?
        var bool: Bool?
    }

    private mutating func found(_ setting: Setting, as type: ConfigType) -> Found? {
        for (index, origin) in origins.enumerated() {
            // Flags and variables are text, which is judged here; the file has types of its own.
            let asked = index < 2 ? ConfigType.string : type
            let value: ConfigValue?
            do {
                value = try origin.provider.value(forKey: setting.absoluteKey, type: asked).value
            } catch {
                problem(origin.name(setting), "must be \(type.article)")
                return nil
            }
            guard let value else { continue }
            var found = Found(name: origin.name(setting))
            switch value.content {
            case .string(let text):
                // An empty variable is how a shell unsets one for a single command.
                if text.isEmpty, index == 1 { continue }
                found.text = text
            case .int(let integer): found.integer = integer
            case .bool(let bool): found.bool = bool
            default: break
            }
            return found
        }
        return nil
    }
}

extension ConfigType {
    fileprivate var article: String {
        switch self {
        case .int: "a whole number"
        case .bool: "true or false"
        default: "a text"
        }
    }
}
