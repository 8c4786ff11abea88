import Foundation
import Testing

@testable import HTTPClient

@Suite(.timeLimit(.minutes(15))) struct LimitsTests {
    /// 300 requests to a server that thinks for 200 ms take as many rounds as the connections allow, and not more.
    @Test(arguments: [(300, 1), (50, 6)])
    func concurrencyIsBoundByConnections(connections: Int, rounds: Int) async throws {
        try await withServer {
            $0.maximumConnections = 300
            $0.maximumConnectionsPerHost = connections
        } handler: { _, connection in
            usleep(200_000)
            connection.answer(200, "done")
        } _: { server, client in
            let url = server.url
            let spent = try await ContinuousClock().measure {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<300 {
                        group.addTask { try await client.send(HTTPRequest(url: url)).status }
                    }
                    for try await status in group { #expect(status == 200) }
                }
            }
            #expect(server.peak <= connections)
            // Seen by the server: the connections are used together, whatever the clock says.
            #expect(server.peak > connections / 2, "\(server.peak) at once")
            #expect(server.requests.count == 300)
            // One after the other would take a minute; how much faster it is on a busy machine is no test's business.
            #expect(spent >= .milliseconds(200 * rounds) && spent < .seconds(50), "\(spent)")
        }
    }

    @Test func idleConnectionsCountToo() async throws {
        let servers = try (0..<6).map { _ in try LocalServer { _, connection in connection.answer(200) } }
        let client = HTTPClient(
            configuration: HTTPClientConfiguration(allowPrivateNetworks: true, maximumConnections: 3))
        for server in servers + servers { _ = try await client.send(HTTPRequest(url: server.url)) }
        // Without the limit six would stay open. What is closed is noticed by its server a moment later.
        while servers.reduce(0, { $0 + $1.open }) > 3 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(servers.allSatisfy { $0.accepted >= 1 })
        await client.close()
        for server in servers { await server.stop() }
    }

    @Test func beyondTheLineIsOverloadedAndWaitingTimesOut() async throws {
        try await withServer {
            $0.maximumConnections = 1
            $0.maximumWaiting = 1
        } handler: { _, connection in
            connection.waitUntilClosed()
        } _: { server, client in
            let url = server.url
            let first = Task { try await client.send(HTTPRequest(url: url + "/first")) }
            for await event in server.events where event == .request("/first") { break }
            // The second waits for the connection that the first holds, until its own time is over.
            let second = Task { try await client.send(HTTPRequest(url: url + "/second", timeout: .milliseconds(400))) }
            while client.underWay < 2 { await Task.yield() }
            await #expect(throws: HTTPClientError.overloaded) {
                try await client.send(HTTPRequest(url: url + "/third"))
            }
            await #expect(throws: HTTPClientError.timedOut) { try await second.value }
            first.cancel()
            await #expect(throws: HTTPClientError.cancelled) { try await first.value }
            #expect(server.requests.map(\.path) == ["/first"])
        }
    }

    @Test func oneSlowReceiverLeavesRoomForOthers() async throws {
        let slow = try LocalServer { _, connection in connection.waitUntilClosed() }
        try await withServer {
            $0.maximumConnections = 4
            $0.maximumConnectionsPerHost = 2
        } handler: { _, connection in
            connection.answer(200)
        } _: { server, client in
            let url = slow.url
            let stuck = Task {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<100 { group.addTask { _ = try? await client.send(HTTPRequest(url: url)) } }
                }
            }
            var seen = 0
            for await event in slow.events where event == .request("/") {
                seen += 1
                if seen == 2 { break }
            }
            for _ in 0..<20 {
                let response = try await client.send(HTTPRequest(url: server.url, timeout: .seconds(5)))
                #expect(response.status == 200)
            }
            #expect(slow.accepted == 2)
            stuck.cancel()
            await stuck.value
        }
        await slow.stop()
    }

    @Test func cancellingATaskEndsItsTransfer() async throws {
        try await withServer { _, connection in
            connection.waitUntilClosed()
        } _: { server, client in
            let url = server.url
            let task = Task { try await client.send(HTTPRequest(url: url + "/hang")) }
            var events = server.events.makeAsyncIterator()
            #expect(await events.next() == .request("/hang"))
            task.cancel()
            await #expect(throws: HTTPClientError.cancelled) { try await task.value }
            #expect(await events.next() == .disconnected)

            let late = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await client.send(HTTPRequest(url: url))
            }
            late.cancel()
            await #expect(throws: HTTPClientError.cancelled) { try await late.value }
            #expect(server.accepted == 1)
        }
    }

    @Test func closingDrainsThenEndsTheRest() async throws {
        try await withServer {
            $0.drainTimeout = .milliseconds(500)
        } handler: { request, connection in
            if request.path == "/slow" {
                usleep(100_000)
                connection.answer(200)
            } else {
                connection.waitUntilClosed()
            }
        } _: { server, client in
            let url = server.url
            let slow = Task { try await client.send(HTTPRequest(url: url + "/slow")).status }
            let hung = Task { try await client.send(HTTPRequest(url: url + "/hang")).status }
            var started = 0
            for await event in server.events where event != .disconnected {
                started += 1
                if started == 2 { break }
            }
            let spent = await ContinuousClock().measure { await client.close() }
            #expect(spent >= .milliseconds(400) && spent < .seconds(3), "\(spent)")
            let status = try await slow.value
            #expect(status == 200)
            await #expect(throws: HTTPClientError.closed) { try await hung.value }
            await #expect(throws: HTTPClientError.closed) { try await client.send(HTTPRequest(url: url)) }
            await client.close()
        }
    }

    /// Each round that leaked one descriptor would show; tests beside this one open and close some, hence the margin.
    @Test func descriptorsAreGivenBack() async throws {
        func descriptors() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
        let server = try LocalServer { request, connection in
            request.path == "/hang" ? connection.waitUntilClosed() : connection.answer(200)
        }
        let url = server.url
        let before = try descriptors()
        for round in 0..<1500 {
            let client = HTTPClient(
                configuration: HTTPClientConfiguration(allowPrivateNetworks: true, drainTimeout: .zero))
            let path = round.isMultiple(of: 2) ? "/hang" : "/"
            let timeout: Duration = round.isMultiple(of: 2) ? .milliseconds(1) : .seconds(5)
            _ = try? await client.send(HTTPRequest(url: url + path, timeout: timeout))
            // Half are closed, half are dropped.
            if round.isMultiple(of: 4) { await client.close() }
        }
        await server.stop()
        #expect(try descriptors() < before + 1000)
    }
}
