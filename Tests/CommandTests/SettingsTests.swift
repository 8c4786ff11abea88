import Addresses
import Foundation
import Logging
import Testing

@testable import switchboard

@Suite struct SettingsTests {
    private func read(
        flags: [Setting: String] = [:], environment: [String: String] = [:], file: String? = nil
    ) throws -> Settings {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        if let file { try Data(file.utf8).write(to: directory.url.appendingPathComponent("switchboard.json")) }
        return try Settings.read(
            flags: flags, configuration: nil, environment: environment, currentDirectory: directory.url.path)
    }

    @Test func flagsWinOverEnvironmentOverFile() throws {
        let file = #"{"listen": "127.0.0.1:1", "log": {"level": "error", "format": "json"}, "pool": {"read": 7}}"#
        let environment = ["SWITCHBOARD_LISTEN": "127.0.0.1:2", "SWITCHBOARD_LOG_LEVEL": "debug"]
        let settings = try read(flags: [.listen: "[::1]:3"], environment: environment, file: file)
        #expect(settings.listen == ListenAddress(host: "::1", port: 3))
        #expect(settings.logLevel == .debug)
        #expect(settings.logFormat == .json)
        #expect(settings.readConnections == 7)
        #expect(settings.transactionConnections == 8)
    }

    @Test func everyMistakeIsReportedAtOnceWithItsPlace() throws {
        let file = #"{"pool": {"read": "many", "transaction": 0}, "colour": "red", "allow_private_networks": "x"}"#
        let environment = [
            "SWITCHBOARD_LISTEN": "8080", "SWITCHBOARD_WORKER_CONCURRENCY": "none", "DATABASE_URL": "hunter2",
            "SWITCHBOARD_SHUTDOWN_LIMIT": "30", "SWITCHBOARD_ALLOWED_NETWORKS": "10.0.0.0/8,inside",
        ]
        let error = #expect(throws: SettingsError.self) {
            try read(flags: [.logLevel: "loud"], environment: environment, file: file)
        }
        let names = Set((error?.problems ?? []).map { String($0.name.prefix { $0 != " " }) })
        #expect(
            names == [
                "--log-level", "SWITCHBOARD_LISTEN", "SWITCHBOARD_WORKER_CONCURRENCY", "DATABASE_URL",
                "SWITCHBOARD_SHUTDOWN_LIMIT", "SWITCHBOARD_ALLOWED_NETWORKS", "\"pool.read\"", "\"pool.transaction\"",
                "\"colour\"",
                "\"allow_private_networks\"",
            ])
        #expect(error?.description.contains("10 settings are wrong") == true)
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test func networksAreAddressesAndBlocks() throws {
        let settings = try read(environment: ["SWITCHBOARD_ALLOWED_NETWORKS": "10.1.0.0/16, fd00::/8,127.0.0.1"])
        let addresses = ["10.1.2.3", "fd00::1", "127.0.0.1", "10.2.0.1", "127.0.0.2"].compactMap { IPAddress($0) }
        #expect(
            addresses.map { address in settings.allowedNetworks.contains { $0.contains(address) } } == [
                true, true, true, false, false,
            ])
    }

    @Test func aSecretIsNeverShown() throws {
        let url = "postgresql://switchboard:hunter2@db.example/switchboard"
        let settings = try read(environment: ["DATABASE_URL": url])
        #expect(settings.databaseURL?.revealed == url)
        var dumped = ""
        dump(settings, to: &dumped)
        for text in ["\(settings)", String(reflecting: settings), dumped, "\(settings.databaseURL as Any)"] {
            #expect(!text.contains("hunter2"))
        }
    }

    @Test func theFileMayHoldTheDatabase() throws {
        let settings = try read(file: #"{"database_url": "host=a,b dbname=x target_session_attrs=read-write"}"#)
        #expect(settings.databaseURL?.revealed == "host=a,b dbname=x target_session_attrs=read-write")
    }

    @Test func aBrokenOrMissingFileIsAnError() throws {
        #expect(throws: SettingsError.self) { try read(file: "[1]") }
        #expect(throws: SettingsError.self) { try read(file: "{") }
        #expect(throws: SettingsError.self) {
            try Settings.read(
                flags: [:], configuration: "not-there.json", environment: [:], currentDirectory: "/tmp")
        }
    }

    @Test func aMisspelledVariableIsNamed() throws {
        let environment = ["SWITCHBOARD_LISTN": "x", "SWITCHBOARD_KEY": "sb_x", "SWITCHBOARD_TEST_DATABASE_URL": "y"]
        #expect(
            try read(environment: environment).warnings == ["SWITCHBOARD_LISTN is set and means nothing to switchboard"]
        )
    }

    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1", 8080), ("[::1]:0", "::1", 0), (":80", "0.0.0.0", 80),
        ("localhost:65535", "localhost", 65_535),
    ])
    func listenAddress(_ text: String, _ host: String, _ port: Int) {
        #expect(ListenAddress(text) == ListenAddress(host: host, port: port))
    }

    @Test(arguments: ["", "8080", "a:b", "a:65536", "a:-1", "::1:80", "[a]:1", "http://a:80", "a:", "a:+1", "a:１"])
    func noListenAddress(_ text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test func theRootIsFoundAboveTheProgramOrNamesWhatWasTried() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let path = directory.url.path
        for folder in ["project/sql/migrations", "project/sql/queries", "project/.build/release", "empty"] {
            try FileManager.default.createDirectory(
                atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
        }
        let program = "\(path)/project/.build/release/switchboard"
        let found = try RootDirectory.find(given: nil, program: program, currentDirectory: "\(path)/empty")
        #expect(found.path == "\(path)/project")
        let error = #expect(throws: RootDirectory.NotFound.self) {
            try RootDirectory.find(given: "empty", program: program, currentDirectory: path)
        }
        #expect(error?.tried == ["\(path)/empty"])
    }

    @Test func logLinesStayOneLineInJSONAndQuoteInText() {
        let now = Date(timeIntervalSince1970: 1_795_381_279)
        let metadata: Logger.Metadata = ["request_id": "a b", "message": "x"]
        let json = LineLogHandler.line(
            .json, at: now, label: "s", level: .info, message: "two\nlines", metadata: metadata)
        #expect(json.filter(\.isNewline).count == 1)
        #expect(json.contains(#""message":"two\nlines","metadata.message":"x","request_id":"a b""#))
        let text = LineLogHandler.line(.text, at: now, label: "s", level: .info, message: "m", metadata: metadata)
        #expect(text.hasSuffix("m message=x request_id=\"a b\"\n"))
    }
}
