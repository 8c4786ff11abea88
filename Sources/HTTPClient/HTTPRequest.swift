/// One outgoing request. Nothing of it is sent before all of it was checked: a line break in a header, say, is refused.
public struct HTTPRequest: Sendable, Hashable {
    /// A method's token, upper case by custom: `GET`, `POST` …
    public var method: String
    /// Absolute, `http` or `https`, without user and password.
    public var url: String
    public var headers: HTTPHeaders
    public var body: [UInt8]
    /// From `send` to the last byte of the answer, waiting for a free connection included. Above 0, at most an hour.
    public var timeout: Duration
    /// An answer whose body is longer fails with `responseTooLarge`.
    public var maximumResponseBytes: Int

    public init(
        method: String = "GET", url: String, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = [],
        timeout: Duration = .seconds(30), maximumResponseBytes: Int = 1 << 20
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.maximumResponseBytes = maximumResponseBytes
    }
}

extension HTTPRequest {
    /// Fields that frame the message or choose its receiver belong to the client: set by a caller, they could make one
    /// request look like two, or reach another virtual host than the URL says.
    private static let reservedNames = [
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// Refuses what could not be put on the wire as it stands.
    func validate() throws(HTTPClientError) {
        guard !method.isEmpty, method.utf8.count <= 32, method.utf8.allSatisfy(Self.isToken) else {
            throw .invalidRequest("the method is not a token")
        }
        guard timeout > .zero, timeout <= .seconds(3600) else {
            throw .invalidRequest("the time-out is not between 0 and 1 hour")
        }
        guard maximumResponseBytes >= 0 else { throw .invalidRequest("the answer's limit is negative") }
        for field in headers {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(Self.isToken) else {
                throw .invalidRequest("a header's name is not a token")
            }
            guard field.value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
                throw .invalidRequest("the value of header \(field.name) holds a control character")
            }
            guard !Self.reservedNames.contains(where: { HTTPHeaders.sameName($0, field.name) }) else {
                throw .invalidRequest("header \(field.name) is set by the client itself")
            }
        }
    }

    /// RFC 9110 §5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
