import Core
import HTTPTypes

/// What a handler answers. The server adds length, date, request id and the security headers.
public struct APIResponse: Sendable {
    /// A body that is produced while it is sent. Asked for the next piece only when the peer took the ones before;
    /// an error ends the connection, so that the client sees a cut-off answer and not a short one.
    public typealias Pieces = any (AsyncSequence<[UInt8], any Error> & Sendable)

    /// What is sent.
    public enum Body: Sendable {
        case none
        case json(JSON)
        case bytes([UInt8], contentType: String)
        /// `length` in bytes where it is known; without it the answer is chunked.
        case stream(Pieces, contentType: String, length: Int? = nil)
    }

    public var status: HTTPResponse.Status
    public var headers: HTTPFields
    public var body: Body

    /// Any answer.
    public init(status: HTTPResponse.Status = .ok, headers: HTTPFields = HTTPFields(), body: Body = .none) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// 200 with a document.
    public static func ok(_ json: JSON) -> APIResponse { APIResponse(body: .json(json)) }

    /// 201 with the new resource and its path.
    public static func created(_ json: JSON, location: String) -> APIResponse {
        APIResponse(status: .created, headers: [.location: location], body: .json(json))
    }

    /// 202 with a document.
    public static func accepted(_ json: JSON) -> APIResponse { APIResponse(status: .accepted, body: .json(json)) }

    /// 204.
    public static var noContent: APIResponse { APIResponse(status: .noContent) }

    /// The same answer with one more header.
    public func with(_ name: HTTPField.Name, _ value: String) -> APIResponse {
        var response = self
        response.headers[name] = value
        return response
    }
}
