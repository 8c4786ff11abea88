import Core
import Foundation
import HTTPClient

/// Calls the REST API as a program written against it would: over TCP, with a key. Every exchange is noted for the
/// contract's check.
public struct APIClient: Sendable {
    public let base: String
    /// Sent as `Authorization: Bearer …`.
    public var key: String?
    /// Sent with every request.
    public var headers: [String: String] = [:]
    /// Where exchanges are noted; nil leaves them out, for hundreds that are all alike.
    public var exchanges: APIExchanges?
    private let transport: HTTPClient

    /// - Parameter base: `http://127.0.0.1:8080`.
    public init(base: String, key: String? = nil, exchanges: APIExchanges?, transport: HTTPClient) {
        self.base = base
        self.key = key
        self.exchanges = exchanges
        self.transport = transport
    }

    /// A client that reaches loopback and holds as many connections as a test wants.
    public static func transport(connections: Int = 32) -> HTTPClient {
        HTTPClient(
            configuration: HTTPClientConfiguration(
                allowPrivateNetworks: true, maximumConnections: connections, maximumConnectionsPerHost: connections))
    }

    public func with(key: String?) -> APIClient {
        var client = self
        client.key = key
        return client
    }

    public func with(_ header: String, _ value: String) -> APIClient {
        var client = self
        client.headers[header] = value
        return client
    }

    public func get(_ path: String) async throws -> APIAnswer { try await send("GET", path) }
    public func delete(_ path: String) async throws -> APIAnswer { try await send("DELETE", path) }
    public func post(_ path: String, _ body: JSON? = nil) async throws -> APIAnswer {
        try await send("POST", path, body)
    }
    public func put(_ path: String, _ body: JSON? = nil) async throws -> APIAnswer { try await send("PUT", path, body) }
    public func patch(_ path: String, _ body: JSON) async throws -> APIAnswer { try await send("PATCH", path, body) }

    /// Sends JSON with the content type of the method, or nothing.
    public func send(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> APIAnswer {
        let type = method == "PATCH" ? "application/merge-patch+json" : "application/json"
        return try await send(method, path, bytes: body?.serialized() ?? [], contentType: body == nil ? nil : type)
    }

    /// Sends any bytes.
    public func send(_ method: String, _ path: String, bytes: [UInt8], contentType: String?) async throws -> APIAnswer {
        var request = HTTPRequest(
            method: method, url: base + path, body: bytes, timeout: .seconds(60), maximumResponseBytes: 16 << 20)
        if let key { request.headers.add("Authorization", "Bearer \(key)") }
        if let contentType { request.headers.add("Content-Type", contentType) }
        for (name, value) in headers { request.headers.add(name, value) }
        let response = try await transport.send(request)
        let answer = APIAnswer(status: response.status, headers: response.headers, bytes: response.body)
        exchanges?.note(method, path, Array(headers.keys), contentType, bytes, answer)
        return answer
    }
}

/// What the API answered.
public struct APIAnswer: Sendable {
    public let status: Int
    public let headers: HTTPHeaders
    public let bytes: [UInt8]

    /// The body as JSON; null when it is none.
    public var json: JSON { (try? JSON.parse(bytes)) ?? .null }

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The last part of a problem's type.
    public var problem: String? {
        json["type"]?.string.flatMap { $0.hasPrefix("/problems/") ? String($0.dropFirst("/problems/".count)) : $0 }
    }

    /// Every mistake of a problem as "place code", sorted: `/steps/0/next dangling-port`.
    public var mistakes: [String] { Self.mistakes(json) }

    /// The same of a problem inside another answer.
    public static func mistakes(_ problem: JSON?) -> [String] {
        (problem?["errors"]?.array ?? []).map { error in
            let place = error["pointer"] ?? error["parameter"] ?? error["header"]
            return "\(place?.string ?? "?") \(error["code"]?.string ?? "?")"
        }.sorted()
    }
}
