import Core
import Foundation
import HTTPClient

/// The API as a replay uses it: JSON over HTTP, with the key, and with patience for "come back later".
struct ReplayService: Sendable {
    /// An answer that is no success, or none at all, in a few words that can be counted.
    struct Failure: Error, Sendable, Hashable {
        let kind: String
        let isWorthRepeating: Bool
        /// What the server asked for.
        var retryAfter: Duration?
    }

    let client: HTTPClient
    let url: String
    let key: String
    /// Tries of one call, the first included.
    var attempts = 8

    /// - Parameter repeated: called for each further try.
    /// - Throws: `Failure` when all tries failed; `CancellationError`.
    func call(
        _ method: String, _ path: String, _ body: JSON? = nil, repeated: @Sendable () -> Void = {}
    ) async throws -> JSON {
        var attempt = 1
        while true {
            try Task.checkCancellation()
            do {
                return try await callOnce(method, path, body)
            } catch let failure as Failure where failure.isWorthRepeating && attempt < attempts {
                // Full jitter, doubling from 100 ms to 5 s; never sooner than the server asked for.
                let ceiling = min(0.1 * pow(2, Double(attempt - 1)), 5)
                try await Task.sleep(for: (failure.retryAfter ?? .zero) + .seconds(Double.random(in: 0...ceiling)))
                attempt += 1
                repeated()
            }
        }
    }

    private func callOnce(_ method: String, _ path: String, _ body: JSON?) async throws -> JSON {
        var headers: HTTPHeaders = ["Authorization": "Bearer \(key)", "Accept": "application/json"]
        if body != nil { headers.add("Content-Type", "application/json") }
        let response: HTTPResponse
        do throws(HTTPClientError) {
            response = try await client.send(
                HTTPRequest(
                    method: method, url: url + path, headers: headers, body: body?.serialized() ?? [],
                    maximumResponseBytes: 16 << 20))
        } catch {
            if case .cancelled = error { throw CancellationError() }
            throw Failure(kind: error.description, isWorthRepeating: !error.isPermanent)
        }
        let json = try? JSON.parse(response.body)
        guard (200...299).contains(response.status) else {
            let type = json?["type"]?.string?.split(separator: "/").last.map(String.init) ?? json?["title"]?.string
            let detail = json?["errors"]?.array?.first?["detail"]?.string ?? json?["detail"]?.string
            throw Failure(
                kind: (["HTTP \(response.status)", type, detail].compactMap(\.self)).joined(separator: " "),
                isWorthRepeating: [429, 500, 502, 503, 504].contains(response.status),
                retryAfter: response.headers["Retry-After"].flatMap(Int.init).map { .seconds(min($0, 60)) })
        }
        guard let json else { throw Failure(kind: "an answer that is no JSON", isWorthRepeating: false) }
        return json
    }

    /// Every item of a list, page by page, for as long as `goOn` says so of the page's last item.
    func list(
        _ path: String, _ query: [(String, String)] = [], while goOn: @Sendable (JSON) -> Bool = { _ in true }
    ) async throws -> [JSON] {
        var all: [JSON] = []
        var cursor: String?
        repeat {
            let items = query + [("limit", "200")] + (cursor.map { [("cursor", $0)] } ?? [])
            let text = items.map { "\($0.0)=\(Self.encoded($0.1))" }.joined(separator: "&")
            let page = try await call("GET", "\(path)?\(text)")
            all += page["items"]?.array ?? []
            cursor = page["next_cursor"]?.string
            if let last = all.last, !goOn(last) { break }
        } while cursor != nil
        return all
    }

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
    }
}
