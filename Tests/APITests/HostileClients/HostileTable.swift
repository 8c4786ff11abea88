import Foundation
import TestKit
import Testing

/// `docs/hostile-clients.md`: written by the test that carries the attacks out, and compared with what came of them.
struct HostileTable {
    struct Line: Sendable {
        let sent: String
        let got: String
        let before: Int
        let after: Int
    }

    private static let url = ProjectRoot.url.appending(path: "docs/hostile-clients.md")
    private static let preamble = """
        # Hostile clients

        Written by a test that carries out each attack against a running `switchboard serve`, all of them at the same time, while honest
        clients are served on other connections: `SWITCHBOARD_TEST_WRITE_HOSTILE_TABLE=1 make test FILTER=HostileClientsTests`. Without the
        variable the test compares; memory differs from run to run and is left out of that.

        The program is a debug build. Time-outs are shortened to 6 s (`SWITCHBOARD_REQUEST_TIMEOUT`) and 9 s (`SWITCHBOARD_IDLE_TIMEOUT`).
        "closed" means that the server ended the connection. Memory is that of the whole process, in MB, when the attack began and when
        it was over. In the last two rows the one private address that the process may connect to stands for what is outside
        (`SWITCHBOARD_ALLOWED_NETWORKS`), its neighbour for what is inside, and a library stands before the system's look-up of names.

        | sent | got | MB before | after |
        |---|---|---|---|

        """

    let lines: [Line]

    var text: String {
        Self.preamble
            + lines.map { "| \($0.sent) | \($0.got) | \(Self.megabytes($0.before)) | \(Self.megabytes($0.after)) |\n" }
            .joined()
    }

    private static func megabytes(_ bytes: Int) -> Int { (bytes + (1 << 19)) >> 20 }

    /// Writes the file when the environment asks for it, else holds it against what came.
    func writeOrCompare() throws {
        if ProcessInfo.processInfo.environment["SWITCHBOARD_TEST_WRITE_HOSTILE_TABLE"] != nil {
            try Data(text.utf8).write(to: Self.url)
        } else {
            let kept = try String(contentsOf: Self.url, encoding: .utf8)
            #expect(Self.withoutMemory(kept) == Self.withoutMemory(text))
        }
    }

    private static func withoutMemory(_ text: String) -> [String] {
        text.split(separator: "\n").map { String($0).replacing(#/ \| \d+ \| \d+ \|$/#, with: "") }
    }
}
