import Core
import Foundation
import Store
import TestKit
import Testing

/// The whole program as a process on a database of its own.
struct LiveServer {
    let base: String
    let operatorKey: String
    let store: Store
    let process: APIProcess

    /// Makes a workspace through the API, made three days ago so that the scheduler has nights to catch up with.
    func workspace(_ name: String) async throws -> JSON {
        let transport = APIClient.transport(connections: 1)
        let made = try await APIClient(base: base, key: operatorKey, exchanges: nil, transport: transport)
            .post("/v1/workspaces", ["name": .string(name), "time_zone": "Europe/Madrid"]).json
        await transport.close()
        return ["id": made["id"] ?? .null, "key": made["key"] ?? .null]
    }
}

/// Runs `switchboard serve` while `body` runs; it must stop in order and have logged no error.
func withLiveServer(
    isolation: isolated (any _Concurrency.Actor)? = #isolation, _ body: (LiveServer) async throws -> Void
) async throws {
    try await withTestStore { store, url in
        let key = try await store.write { try $0.createOperatorKey(name: "test").token }
        let process = try await APIProcess.start(["serve", "--listen", "127.0.0.1:0"], database: url)
        do {
            try await body(
                LiveServer(base: try await process.baseURL(), operatorKey: key, store: store, process: process))
        } catch {
            process.send(SIGKILL)
            throw error
        }
        #expect(try await process.stop() == 0, "\(process.log.suffix(2000))")
        let errors = process.log.split(separator: "\n").filter { $0.contains(#""level":"error""#) }
        #expect(errors == [])
    }
}
