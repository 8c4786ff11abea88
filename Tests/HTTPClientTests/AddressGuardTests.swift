import Testing

@testable import Addresses
@testable import HTTPClient

@Suite(.timeLimit(.minutes(15))) struct AddressGuardTests {
    /// Asked through the client, so that each spelling goes through URL parser, resolver and socket.
    @Test(arguments: [
        "127.0.0.1", "localhost", "LOCALHOST", "127.1", "0x7f000001", "2130706433", "017700000001", "0", "0.0.0.0",
        "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fd00:ec2::254]", "[ff02::1]", "10.0.0.1",
        "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "224.0.0.1", "255.255.255.255",
    ])
    func specialNetworksAreNotReached(host: String) async throws {
        let server = try LocalServer { _, connection in connection.answer(200) }
        let client = HTTPClient()
        let error = await #expect(throws: HTTPClientError.self) {
            try await client.send(HTTPRequest(url: "http://\(host):\(server.port)/", timeout: .seconds(5)))
        }
        guard case .addressRefused = error else {
            Issue.record("\(host): \(String(describing: error))")
            return
        }
        #expect(server.accepted == 0)
        await client.close()
        await server.stop()
    }

    /// DNS rebinding: a name leads outside when it is looked at, and inside when it is connected to. 127.0.0.1 stands for what
    /// is outside, 127.0.0.2 for what is inside. A client that looked the name up to judge it, and let libcurl look it up
    /// again to connect, would be led inside by its first request.
    @Test func theAddressOfAChangingNameIsJudgedWhereItIsConnectedTo() async throws {
        let outside = try LocalServer { _, connection in connection.answer(200, headers: ["Connection: close"]) }
        let inside = try LocalServer(address: 0x7F00_0002, port: outside.port) { _, connection in connection.answer(200)
        }
        let permitted = try #require(AddressRange("127.0.0.1/32"))
        func client() -> HTTPClient { HTTPClient(configuration: HTTPClientConfiguration(allowedNetworks: [permitted])) }
        let name = "rebinding.test"
        Rebinding.answer(name, with: ["127.0.0.1", "127.0.0.2"])
        let first = client()
        let request = HTTPRequest(url: "http://\(name):\(outside.port)/", timeout: .seconds(5))
        #expect(try await first.send(request).status == 200)
        // One look-up was judged and connected to.
        #expect(Rebinding.lookUps(of: name) == 1 && outside.accepted == 1 && inside.accepted == 0)
        // This one has never seen the name, and finds the other address.
        let second = client()
        await #expect(throws: HTTPClientError.addressRefused(host: name)) { try await second.send(request) }
        #expect(Rebinding.lookUps(of: name) == 2 && outside.accepted == 1 && inside.accepted == 0)
        // That it was good before is forgotten as well.
        await #expect(throws: HTTPClientError.addressRefused(host: name)) { try await second.send(request) }
        #expect(inside.accepted == 0)
        for client in [first, second] { await client.close() }
        for server in [outside, inside] { await server.stop() }
    }

    @Test func theOperatorMayAllowANetwork() async throws {
        let server = try LocalServer { _, connection in connection.answer(200) }
        let loopback = try #require(AddressRange("127.0.0.0/8"))
        let client = HTTPClient(configuration: HTTPClientConfiguration(allowedNetworks: [loopback]))
        #expect(try await client.send(HTTPRequest(url: server.url)).status == 200)
        await #expect(throws: HTTPClientError.addressRefused(host: "10.0.0.1")) {
            try await client.send(HTTPRequest(url: "http://10.0.0.1/"))
        }
        await client.close()
        await server.stop()
    }

    @Test(arguments: [
        ("8.8.8.8", true), ("1.1.1.1", true), ("172.15.255.255", true), ("172.32.0.0", true), ("100.128.0.0", true),
        ("2606:4700::1111", true), ("2a00:1450:4001::1", true), ("::ffff:8.8.8.8", true), ("64:ff9b::808:808", true),
        ("172.31.255.255", false), ("100.127.255.255", false), ("198.19.0.1", false), ("192.0.2.1", false),
        ("203.0.113.9", false), ("239.0.0.1", false), ("240.0.0.1", false), ("168.63.129.16", false),
        ("::8.8.8.8", false), ("64:ff9b::a00:1", false), ("2001::1", false), ("2001:db8::1", false),
        ("2002:808:808::1", false), ("3fff::1", false), ("fec0::1", false), ("fc00::1", false), ("4000::1", false),
    ])
    func publicAddressesOnly(address: String, isPermitted: Bool) throws {
        let guardian = AddressGuard(configuration: HTTPClientConfiguration())
        let bytes = try #require(IPAddress.parse(address))
        #expect(guardian.permits(bytes) == isPermitted)
    }

    @Test func noAddressIsNotPermittedEvenWhereAllIs() {
        let guardian = AddressGuard(configuration: HTTPClientConfiguration(allowPrivateNetworks: true))
        #expect(!guardian.permits([]))
        #expect(guardian.permits([10, 0, 0, 1]))
    }

    @Test func ranges() throws {
        for text in [
            "", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/", "10.1.0.0/8", "fd00::/129", "a",
        ] {
            #expect(AddressRange(text) == nil, "\(text)")
        }
        let odd = try #require(AddressRange("10.64.0.0/10"))
        #expect(odd.contains([10, 127, 0, 1]) && !odd.contains([10, 128, 0, 1]))
        let all = try #require(AddressRange("0.0.0.0/0"))
        #expect(all.contains([9, 9, 9, 9]))
        let one = try #require(AddressRange("::1"))
        #expect(one.contains(Array(repeating: 0, count: 15) + [1]))
    }
}
