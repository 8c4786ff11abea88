import Core
import Foundation
import Glibc
import Store
import TestKit
import Testing

/// Receivers that lead a worker of ours astray: by redirects, and by names that change between look-ups (DNS rebinding).
///
/// 127.0.0.1 stands for what is outside and is the one address permitted, 127.0.0.2 at the same port for what is inside.
enum OutboundRows {
    private static let codes = [301, 302, 303, 307, 308]

    /// - Parameter environment: of the process, which is a worker that has these two channels' messages to send.
    static func lines(environment: [String: String]) async throws -> [HostileTable.Line] {
        try await withTestStore { store, url in
            let names = try ChangingNames()
            defer { names.remove() }
            let process = try await APIProcess.start(
                ["serve", "--listen", "127.0.0.1:0"], database: url,
                environment: environment.merging([
                    "SWITCHBOARD_ALLOWED_NETWORKS": "127.0.0.1", "LD_PRELOAD": names.library,
                    "SWITCHBOARD_LOG_LEVEL": "info",
                ]) { $1 })
            defer { process.send(SIGKILL) }
            let token = try await store.write { try $0.createOperatorKey(name: "test").token }
            let transport = APIClient.transport()
            let base = try await process.baseURL()
            let operators = APIClient(base: base, key: token, exchanges: nil, transport: transport)
            var lines: [HostileTable.Line] = []
            for (sent, attack) in [
                ("answers that redirect inside: 301, 302, 303, 307 and 308 to three places each", redirects),
                ("names that change between look-ups: outside first, and inside first", rebinding),
            ] {
                let before = process.residentBytes
                let got = try await attack(try await Tenant("\(lines.count)", by: operators), store)
                #expect(got == "outside reached, inside not", "\(sent): \(process.log.suffix(2000))")
                lines.append(HostileTable.Line(sent: sent, got: got, before: before, after: process.residentBytes))
            }
            await transport.close()
            #expect(try await process.stop() == 0, "\(process.log.suffix(2000))")
            return lines
        }
    }

    /// Each place answers under a path of its own, so that each code is sent to each.
    private static func redirects(_ tenant: Tenant, _ store: Store) async throws -> String {
        let inside = try FakeChannel(address: 0x7F00_0002)
        let places = ["http://127.0.0.2:\(inside.port)/", "//127.0.0.2:\(inside.port)/", "file:///etc/passwd"]
        var outside: [FakeChannel] = []
        for code in codes {
            for place in places { outside.append(try FakeChannel { _ in .redirect(code, to: place) }) }
        }
        for channel in outside { try await message(tenant, to: channel.url) }
        // Nobody follows: each is the end of its message, and says so.
        let answers = try await outcomes(store, tenant, until: outside.count) { error in
            codes.contains { error.hasPrefix("HTTP \($0)") }
        }
        return await verdict(outside, inside: inside, isExplained: answers)
    }

    private static func rebinding(_ tenant: Tenant, _ store: Store) async throws -> String {
        let outside = try FakeChannel { _ in .hangUp }
        let inside = try FakeChannel(address: 0x7F00_0002, port: outside.port)
        for name in [ChangingNames.outsideFirst, ChangingNames.insideFirst] {
            try await message(tenant, to: "http://\(name):\(outside.port)/")
        }
        // One got outside and is tried again; the other was refused where it would have connected.
        let answers = try await outcomes(store, tenant, until: 2) { _ in true }
        return await verdict([outside], inside: inside, isExplained: answers)
    }

    private static func verdict(_ outside: [FakeChannel], inside: FakeChannel, isExplained: Bool) async -> String {
        let isReached = outside.allSatisfy { !$0.deliveries.isEmpty }
        let stolen = inside.deliveries.count
        for channel in outside + [inside] { await channel.stop() }
        if !isExplained { return "not all were tried" }
        return "outside \(isReached ? "" : "not ")reached, inside \(stolen == 0 ? "not" : "\(stolen) times")"
    }

    private static func message(_ tenant: Tenant, to url: String) async throws {
        let channel = try await tenant.owner.post(
            "/v1/channels", ["name": .string("\(UUID())"), "kind": "custom", "url": .string(url)]
        ).expect(201)
        let results = try await tenant.owner.with(key: channel["token"]?.string).post(
            "/v1/channels/\(channel.id)/inbound", ["events": [Tenant.event("\(UUID())")]]
        ).expect(200)
        let conversation = try #require(results["results"]?[0]?["conversation_id"]?.string)
        try await tenant.owner.post("/v1/conversations/\(conversation)/messages", ["text": "secret"]).expect(201)
    }

    /// Whether so many effects of the tenant's have been tried and failed in a way that is expected.
    private static func outcomes(
        _ store: Store, _ tenant: Tenant, until count: Int, _ isExpected: (String) -> Bool
    ) async throws -> Bool {
        let workspace = try #require(UUID(uuidString: tenant.id))
        return try await eventually {
            try await store.rows("SELECT error FROM outbox WHERE workspace_id = $1 AND error IS NOT NULL", [workspace])
                .count { try isExpected($0.decode("error")) } == count
        }
    }
}

/// The name server of an attacker's: a library that stands before the system's `getaddrinfo` in one process, and answers
/// for two names in turn with 127.0.0.1 and 127.0.0.2. Compiled with the C compiler that comes with Swift.
private struct ChangingNames {
    static let outsideFirst = "outside-first.test"
    static let insideFirst = "inside-first.test"

    let library: String

    init() throws {
        library = FileManager.default.temporaryDirectory.appending(path: "changing-names-\(UUID()).so").path
        let compiler = Process()
        compiler.executableURL = URL(filePath: "/usr/bin/env")
        compiler.arguments = ["clang", "-shared", "-fPIC", "-x", "c", "-o", library, "-"]
        let input = Pipe()
        compiler.standardInput = input
        try compiler.run()
        try input.fileHandleForWriting.write(contentsOf: Data(Self.source.utf8))
        try input.fileHandleForWriting.close()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0, "the library does not compile")
    }

    func remove() { try? FileManager.default.removeItem(atPath: library) }

    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <netdb.h>
        #include <stdatomic.h>
        #include <string.h>

        static atomic_uint asked[2];

        int getaddrinfo(
            const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result
        ) {
            int (*system)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
                dlsym(RTLD_NEXT, "getaddrinfo");
            int which = !name ? -1 : !strcmp(name, "\(outsideFirst)") ? 0 : !strcmp(name, "\(insideFirst)") ? 1 : -1;
            if (which >= 0)
                name = (atomic_fetch_add(&asked[which], 1) + which) % 2 ? "127.0.0.2" : "127.0.0.1";
            return system(name, service, hints, result);
        }

        """
}
