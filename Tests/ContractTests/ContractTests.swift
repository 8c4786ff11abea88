import Core
import Foundation
import TestKit
import Testing

/// What strangers rely on: the document, the clients that are made of it, the page and the guide.
@Suite struct ContractTests {
    @Test(.timeLimit(.minutes(5))) func documentIsValidCleanAndComplete() async throws {
        try await ContractTools.python("lint.py", ["openapi.yaml"])
    }

    @Test(.timeLimit(.minutes(5))) func nothingBreaksUndeclared() async throws {
        try await ContractTools.python("breaking.py", ["--test"])
        try await ContractTools.python(
            "breaking.py", ["Tests/Contract/released.yaml", "openapi.yaml", "CHANGELOG.md"])
    }

    /// Schemathesis, as three callers; each operation at least fifty times by each.
    @Test(.timeLimit(.minutes(30))) func everyOperationKeepsItsWord() async throws {
        try await withLiveServer { server in
            let keys: JSON = [
                "operator": .string(server.operatorKey), "a": try await server.workspace("A"),
                "b": try await server.workspace("B"),
            ]
            try await server.store.execute("UPDATE workspaces SET created_at = created_at - interval '3 days'")
            let file = FileManager.default.temporaryDirectory.appending(path: "switchboard-keys-\(UUID()).json")
            try Data(keys.serialized()).write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            try await ContractTools.python("fuzz.py", [server.base, file.path])
        }
    }

    @Test(.timeLimit(.minutes(10))) func generatedClientsDriveTheCycle() async throws {
        try await withLiveServer { server in
            try await ContractTools.run(
                ProjectRoot.url.appending(path: "Tests/Contract/clients.sh").path, [server.base, server.operatorKey])
        }
    }

    @Test(.timeLimit(.minutes(5))) func guideRunsAsItIsWritten() async throws {
        try await withLiveServer { server in
            try await ContractTools.python(
                "guide.py", ["docs/guide.md"],
                environment: ["SWITCHBOARD_URL": server.base, "SWITCHBOARD_OPERATOR_KEY": server.operatorKey])
        }
    }

    /// The page in a real browser, wide and narrow: everything on it, nothing from anywhere else.
    @Test(.timeLimit(.minutes(5))) func pageShowsTheContract() async throws {
        try await withLiveServer { server in
            try await ContractTools.python("browser.py", [server.base])
        }
    }
}
