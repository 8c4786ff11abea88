import Core
import Foundation
import HTTPClient
import TestKit
import Testing

/// A Prometheus of the test's own that scrapes some processes every second.
struct Prometheus {
    let process: APIProcess
    private let directory: URL
    private let transport: HTTPClient

    /// - Parameter targets: `127.0.0.1:9464` by the name of the instance.
    static func start(scraping targets: [String: String], rules: URL, transport: HTTPClient) async throws -> Prometheus
    {
        let directory = URL(filePath: "/tmp/switchboard-prometheus-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let instances = targets.sorted { $0.key < $1.key }.map {
            "      - targets: ['\($0.value)']\n        labels: {instance: '\($0.key)'}"
        }
        let configuration = """
            global: {scrape_interval: 1s, evaluation_interval: 1s}
            rule_files: ['\(rules.path)']
            scrape_configs:
              - job_name: switchboard
                static_configs:
            \(instances.joined(separator: "\n"))
            """
        let file = directory.appending(path: "prometheus.yml")
        try configuration.write(to: file, atomically: true, encoding: .utf8)
        let process = try await APIProcess.start(
            program: "/usr/bin/prometheus",
            [
                "--config.file=\(file.path)", "--storage.tsdb.path=\(directory.appending(path: "data").path)",
                "--web.listen-address=127.0.0.1:0",
            ])
        return Prometheus(process: process, directory: directory, transport: transport)
    }

    func stop() async throws {
        try await process.stop()
        try? FileManager.default.removeItem(at: directory)
    }

    /// Where it listens: the port was free, and it says so in its log.
    private func base() async throws -> String {
        var port: Substring?
        _ = try await eventually(within: .seconds(30)) {
            port = process.log.firstMatch(of: /msg="Listening on" address=127\.0\.0\.1:(\d+)/)?.1
            return port != nil || process.exitCode != nil
        }
        return "http://127.0.0.1:\(try #require(port, "\(process.log)"))"
    }

    func get(_ path: String) async throws -> JSON {
        let response = try await transport.send(
            HTTPRequest(method: "GET", url: try await base() + path, timeout: .seconds(10)))
        return try JSON.parse(response.body)
    }

    /// What an expression is worth now, by the labels of each series.
    func query(_ expression: String) async throws -> [(labels: String, value: Double)] {
        let text = expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let answer = try await get("/api/v1/query?query=\(text)")
        return (answer["data"]?["result"]?.array ?? []).map { series in
            let labels = (series["metric"]?.object ?? [:]).filter { $0.key != "__name__" && $0.key != "job" }
                .map { "\($0.key)=\($0.value.string ?? "")" }.sorted().joined(separator: " ")
            return (labels, series["value"]?.array?.last?.string.flatMap(Double.init) ?? .nan)
        }
    }

    /// Asks again until the answer is as wanted, and prints it.
    func expect(
        _ expression: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ isWanted: ([(labels: String, value: Double)]) -> Bool
    ) async throws {
        var found: [(labels: String, value: Double)] = []
        let isThere = try await eventually(within: .seconds(30)) {
            found = try await query(expression)
            return isWanted(found)
        }
        #expect(isThere, "\(expression): \(found)", sourceLocation: sourceLocation)
        print("prometheus> \(expression)")
        for series in found { print("  \(series.labels.isEmpty ? "-" : series.labels)  \(series.value)") }
    }
}
