import HTTPTypes

extension HTTPField.Name {
    /// The id by which one request is found in answers and logs.
    public static let xRequestID = constant("X-Request-Id")
    /// The agent on whose behalf a call is made.
    public static let xAgentID = constant("X-Agent-Id")
    /// Makes a repeated call safe.
    public static let idempotencyKey = constant("Idempotency-Key")
    /// Who called the proxies in between, each behind the one before.
    static let xForwardedFor = constant("X-Forwarded-For")
    /// Says that the answer is that of an earlier request with the same key.
    static let idempotentReplayed = constant("Idempotent-Replayed")
    static let traceparent = constant("traceparent")
    static let tracestate = constant("tracestate")
    static let acceptPatch = constant("Accept-Patch")

    private static func constant(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("a header name of the source is malformed") }
        return name
    }
}
