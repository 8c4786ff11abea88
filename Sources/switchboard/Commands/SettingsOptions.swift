import ArgumentParser
import Foundation
import Logging

/// The flags that every command of the server understands. They are texts on purpose: what is wrong with them is
/// reported together with what is wrong in the environment and the file.
struct SettingsOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A configuration file instead of switchboard.json.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("The directory that holds sql/ and jobs/.", valueName: "directory"))
    var root: String?

    @Option(help: ArgumentHelp("Where the private cluster and demo.env are kept.", valueName: "directory"))
    var stateDirectory: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp("text, or json: one object a line.", valueName: "format"))
    var logFormat: String?

    /// Reads all settings and sets up logging with them. Once a process.
    ///
    /// - Parameters:
    ///   - flags: those of the command itself.
    ///   - logLevel: what is logged when nothing says otherwise; a command that ends soon is quieter than a server.
    func settings(_ flags: [Setting: String?] = [:], logLevel fallback: Logger.Level = .notice) throws -> Settings {
        var given: [Setting: String?] = [
            .root: root, .stateDirectory: stateDirectory, .logLevel: logLevel, .logFormat: logFormat,
        ]
        given.merge(flags) { _, own in own }
        let settings: Settings
        do {
            settings = try Settings.read(
                flags: given.compactMapValues(\.self), configuration: config,
                environment: ProcessInfo.processInfo.environment,
                currentDirectory: FileManager.default.currentDirectoryPath, logLevel: fallback)
        } catch {
            throw CommandFailure(error.description, code: .validationFailure)
        }
        let (format, level) = (settings.logFormat, settings.logLevel)
        LoggingSystem.bootstrap { label in LineLogHandler(label: label, format: format, logLevel: level) }
        let logger = Logger(label: "switchboard")
        for warning in settings.warnings { logger.warning("\(warning)") }
        return settings
    }
}

/// A failure whose text is for the user as it stands.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    let code: ExitCode

    init(_ description: String, code: ExitCode = .failure) {
        self.description = description
        self.code = code
    }

    /// Runs the body; what it throws is printed as `switchboard: …`, and the process ends with the failure's code.
    static func reporting(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let exit as ExitCode {
            throw exit
        } catch let clean as CleanExit {
            throw clean
        } catch {
            let text = (error as? CommandFailure)?.description ?? String(describing: error)
            FileHandle.standardError.write(Data("switchboard: \(text)\n".utf8))
            throw (error as? CommandFailure)?.code ?? ExitCode.failure
        }
    }
}
