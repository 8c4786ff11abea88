import Core
import Foundation
import TestKit

/// What is attacked, and with whose key.
struct HostileTarget: Sendable {
    let port: Int
    let key: String
    let channel: String
    /// How long the server waits for a request, in seconds, as it was configured for the test.
    let patience: Double

    func connect(receiveBuffer: Int32? = nil) -> HostileConnection {
        HostileConnection(port: port, receiveBuffer: receiveBuffer)
    }

    /// The head of a request with the key.
    func head(_ line: String, _ headers: [String] = []) -> String {
        ([line + " HTTP/1.1", "Host: t", "Authorization: Bearer \(key)"] + headers).joined(separator: "\r\n")
            + "\r\n\r\n"
    }

    /// Sends the bytes; says which answers came, and whether the connection ended.
    func outcome(_ bytes: String, closesOutput: Bool = false) -> String { outcome(Array(bytes.utf8), closesOutput) }

    func outcome(_ bytes: [UInt8], _ closesOutput: Bool = false) -> String {
        let connection = connect()
        connection.send(bytes)
        if closesOutput { connection.closeOutput() }
        return Self.describe(connection, connection.statuses(seconds: 25))
    }

    /// Several requests of one kind: what came, each outcome once.
    func outcomes(_ requests: [String]) -> String {
        var seen: [String] = []
        for request in requests {
            let outcome = outcome(request)
            if !seen.contains(outcome) { seen.append(outcome) }
        }
        return seen.sorted().joined(separator: "; ")
    }

    /// A POST of JSON: status and problem.
    func json(_ path: String, _ body: [UInt8]) -> String {
        let connection = connect()
        connection.send(head("POST \(path)", ["Content-Type: application/json", "Content-Length: \(body.count)"]))
        connection.send(body)
        guard let answer = connection.answers(1, seconds: 25).first else { return "nothing" }
        let type = (try? JSON.parse(answer.body))?["type"]?.string?.split(separator: "/").last.map { " `\($0)`" } ?? ""
        return "\(answer.status)\(type)"
    }

    static func describe(_ connection: HostileConnection, _ statuses: [Int]) -> String {
        var parts = statuses.map(String.init)
        if let first = parts.first, parts.count > 3, parts.allSatisfy({ $0 == first }) {
            parts = ["\(parts.count) × \(first)"]
        }
        if connection.isClosed { parts.append("closed") }
        return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
    }
}

/// One line of the table: what was sent, and what must come of it.
struct HostileRow: Sendable {
    let sent: String
    let expected: String
    /// Blocks; on a thread of its own.
    let attack: @Sendable (HostileTarget) -> String

    init(_ sent: String, _ expected: String, _ attack: @escaping @Sendable (HostileTarget) -> String) {
        self.sent = sent
        self.expected = expected
        self.attack = attack
    }
}
