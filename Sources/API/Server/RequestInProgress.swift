import NIOHTTP1

/// What the gate must know about the request that is being answered.
struct RequestInProgress {
    let requestID: String
    let isHEAD: Bool
    let version: HTTPVersion
    /// The connection ends with the answer.
    var closes: Bool
    /// The peer waits for `100 Continue` before it sends the body.
    var awaitsContinue: Bool
    /// Declared bytes that have not arrived; nil for a chunked body.
    private var remaining: Int?
    /// The whole request is here.
    var hasArrived = false
    /// The answer's head is sent.
    var isAnswering = false
    /// The whole answer is sent.
    var isAnswered = false

    init(_ head: HTTPRequestHead, requestID: String) {
        self.requestID = requestID
        isHEAD = head.method == .HEAD
        version = head.version
        // After an upgrade offer or CONNECT the parser treats what follows as another protocol. Clients of HTTP/1.0
        // do not know chunked answers; ending the connection is how they find the end.
        let isHTTP10 = Self.isHTTP10(head)
        closes =
            !head.isKeepAlive || isHTTP10 || head.method == .CONNECT
            || head.headers.contains(name: "upgrade")
        awaitsContinue = !isHTTP10 && Self.expectsContinue(head.headers)
        remaining = head.headers.contains(name: "transfer-encoding") ? nil : Self.declaredLength(head.headers)
    }

    mutating func received(_ bytes: Int) {
        // A peer that sends its body does not wait any more.
        awaitsContinue = false
        if let remaining { self.remaining = max(remaining - bytes, 0) }
    }

    /// Whether the connection must end with an answer of this head: because it was asked for, because the rest of
    /// the body is not worth waiting for or may never come, or because only the end tells where the answer ends.
    func mustClose(after head: HTTPResponseHead, _ limits: ConnectionLimits) -> Bool {
        if closes || awaitsContinue { return true }
        if !hasArrived, (remaining ?? .max) > limits.drainLimit { return true }
        return isHEAD && head.status.mayHaveResponseBody && !head.headers.contains(name: "content-length")
    }

    /// Why a head that the parser accepted is still none of HTTP/1.1.
    static func refusal(of head: HTTPRequestHead) -> Refusal? {
        let hosts = head.headers[canonicalForm: "host"]
        let hostFields = head.headers.lazy.filter { $0.name.lowercased() == "host" }.count
        if hostFields > 1 || hosts.count > 1 { return .badRequest("There is more than one Host.") }
        if hostFields == 0, !isHTTP10(head) { return .badRequest("Host is missing.") }
        if let host = hosts.first, host.utf8.contains(where: { " \t/@?#\\\"<>".utf8.contains($0) }) {
            return .badRequest("Host is malformed.")
        }
        let codings = head.headers[canonicalForm: "transfer-encoding"]
        if !codings.isEmpty, isHTTP10(head) || codings.count > 1 || codings[0].lowercased() != "chunked" {
            return .badRequest("The only transfer coding taken is chunked.")
        }
        return nil
    }

    /// The parser lets 1.0 and 1.1 through.
    private static func isHTTP10(_ head: HTTPRequestHead) -> Bool { head.version.minor == 0 }

    private static func expectsContinue(_ headers: HTTPHeaders) -> Bool {
        headers[canonicalForm: "expect"].contains { $0.lowercased() == "100-continue" }
    }

    /// The parser has checked it: digits, and one value only.
    private static func declaredLength(_ headers: HTTPHeaders) -> Int {
        headers.first(name: "content-length").flatMap { Int($0) } ?? 0
    }
}
