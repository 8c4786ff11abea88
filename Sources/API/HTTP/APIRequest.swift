import Core
import Foundation
import HTTPTypes
import Logging

/// One request as a handler sees it: routed, authenticated, its body complete.
public struct APIRequest: Sendable {
    /// GET also where the client asked with HEAD.
    public let method: HTTPRequest.Method
    /// The operation it was routed to.
    public let operationID: String
    /// Parameters of the path by name, percent-decoded.
    public let pathParameters: [String: String]
    public let headers: HTTPFields
    /// The whole body; at most as long as the route allows.
    public let body: [UInt8]
    /// The id in every log line and answer of this request.
    public let requestID: String
    /// Who is asking, as the authenticator said; nil on open routes.
    public let principal: (any Sendable)?
    /// Carries the request's id.
    public let logger: Logger
    /// When it came, apart from the time that its client took to send the body.
    public let arrived: ContinuousClock.Instant
    let rawQuery: QueryString
    let knownQuery: Set<String>

    /// A request from its parts; handlers' tests make their own.
    /// - Parameter query: as it stands in a URL, without the question mark.
    public init(
        method: HTTPRequest.Method, operationID: String, pathParameters: [String: String] = [:], query: String = "",
        knownQuery: Set<String> = [], headers: HTTPFields = HTTPFields(), body: [UInt8] = [],
        requestID: String, principal: (any Sendable)? = nil, logger: Logger
    ) throws(Problem) {
        self.init(
            method: method, operationID: operationID, pathParameters: pathParameters, rawQuery: try QueryString(query),
            knownQuery: knownQuery, headers: headers, body: body, requestID: requestID, principal: principal,
            logger: logger, arrived: .now)
    }

    init(
        method: HTTPRequest.Method, operationID: String, pathParameters: [String: String], rawQuery: QueryString,
        knownQuery: Set<String>, headers: HTTPFields, body: [UInt8], requestID: String,
        principal: (any Sendable)?, logger: Logger, arrived: ContinuousClock.Instant
    ) {
        self.method = method
        self.operationID = operationID
        self.pathParameters = pathParameters
        self.rawQuery = rawQuery
        self.knownQuery = knownQuery
        self.headers = headers
        self.body = body
        self.requestID = requestID
        self.principal = principal
        self.logger = logger
        self.arrived = arrived
    }

    /// A parameter of the path as text.
    /// - Throws: 404 when the path has no such parameter.
    public func text(_ name: String) throws(Problem) -> String {
        guard let value = pathParameters[name] else { throw .notFound() }
        return value
    }

    /// An id from the path.
    /// - Throws: 404 when it is no UUID: then nothing of that id exists.
    public func uuid(_ name: String) throws(Problem) -> UUID {
        guard let id = UUID(uuidString: try text(name)) else { throw .notFound() }
        return id
    }

    /// Who is asking, as the type that the authenticator gives.
    /// - Throws: 401 on an open route, and when the authenticator gave something else.
    public func principal<Principal>(as type: Principal.Type = Principal.self) throws(Problem) -> Principal {
        guard let principal = principal as? Principal else { throw .missingCredentials() }
        return principal
    }

    /// Reads the query. The closure asks for each parameter; afterwards every mistake found is thrown at once.
    /// - Throws: 400 `bad-query` naming each unknown, repeated or wrong parameter, or 400 `bad-cursor`.
    public func query<Result>(_ read: (QueryReader) throws -> Result?) throws -> Result {
        let reader = QueryReader(rawQuery, known: knownQuery, scope: scope)
        let result = try read(reader)
        try reader.finish()
        guard let result else { throw Problem(.badQuery, detail: "The query is incomplete.") }
        return result
    }

    /// What a cursor belongs to, apart from the filters: the operation and the resource in the path.
    private var scope: String {
        pathParameters.sorted { $0.key < $1.key }.reduce(into: operationID) { scope, parameter in
            scope += "\n\(parameter.key)=\(parameter.value)"
        }
    }
}
