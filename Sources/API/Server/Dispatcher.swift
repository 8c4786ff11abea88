import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Store

/// From a path that the router has found to the answer: method, admission, authentication, body, handler, problems.
struct Dispatcher: Sendable {
    let authenticator: Authenticator
    let admission: Admission
    let bodies: BodyBudget
    let waiting: WaitGuard

    /// Hummingbird's router over the table. It is asked for paths only (every path is registered for GET): methods are
    /// decided here, since a known path with another method is 405 with `Allow` and not 404.
    func router(for table: RouteTable) -> RouterResponder<ExchangeContext> {
        let router = Router(context: ExchangeContext.self)
        for path in table.paths {
            router.on(RouterPath(path.path), method: .get) { request, context in
                try await answer(request, context, path)
            }
        }
        // A middleware applies to what is registered after it: to nothing but the router's answer to unknown paths.
        router.add(middleware: UnknownPath(dispatcher: self))
        return router.buildResponder()
    }

    /// Answers a known path.
    /// - Throws: only when the connection cannot go on.
    private func answer(_ request: Request, _ context: ExchangeContext, _ path: PathRoutes) async throws -> Response {
        let exchange = context.exchange
        // The router takes `//` and a slash at the end for nothing; one resource has one path here.
        guard Self.isCanonical(request.uri.path) else { return unknownPath(exchange) }
        exchange.note { $0.route = path.path }
        do {
            try checkExpectation(request)
            if exchange.method == .options { return Answer.render(options(path), exchange) }
            guard let route = path.route(for: exchange.method) else {
                var headers: HTTPFields = [.allow: path.allow]
                if path.takesPatches { headers[.acceptPatch] = APIRequest.contentType(for: .patch) }
                throw Problem(.methodNotAllowed, detail: "The path takes \(path.allow).", headers: headers)
            }
            return try await answer(request, context, route)
        } catch let ended as ConnectionEnded {
            throw ended
        } catch {
            return Answer.render(error, exchange)
        }
    }

    private func answer(_ request: Request, _ context: ExchangeContext, _ route: Route) async throws -> Response {
        let exchange = context.exchange
        let parameters = try pathParameters(context.parameters)
        var logger = exchange.logger
        var authentication: Authentication?
        if case .requires(let permission) = route.access {
            let question = AuthenticationRequest(
                operationID: route.operationID, permission: permission, scope: route.scope,
                pathParameters: parameters, headers: request.headers, address: exchange.address,
                requestID: exchange.requestID, logger: logger,
                addHeaders: { headers in exchange.note { $0.headers.append(contentsOf: headers) } })
            // Before the key is looked up: that is work for the database, too.
            if !route.isAnsweredUnderOverload { try waiting.check() }
            let granted = try await admission.admit(always: route.isAnsweredUnderOverload) {
                try await authenticator(question)
            }
            exchange.note { $0.caller = granted.logMetadata }
            for (key, value) in granted.logMetadata { logger[metadataKey: key] = value }
            authentication = granted
        }
        let query = try QueryString(request.uri.query ?? "")
        if route.query.isEmpty, !query.items.isEmpty {
            throw Problem(
                .badQuery, detail: "The operation takes no query parameters.",
                errors: QueryReader.unknown(query, known: []))
        }
        // A body of GET or DELETE has no meaning (RFC 9110, 9.3); it is dropped unread.
        let takesBody = route.method == .post || route.method == .put || route.method == .patch
        let share = BodyBudget.Share(bodies)
        let waited = exchange.started.duration(to: .now)
        let body = takesBody ? try await collectBody(request, exchange, limit: route.bodyLimit, share) : []
        defer { withExtendedLifetime(share) {} }
        let apiRequest = APIRequest(
            method: route.method, operationID: route.operationID, pathParameters: parameters, rawQuery: query,
            knownQuery: route.query, headers: request.headers, body: body, requestID: exchange.requestID,
            principal: authentication?.principal, logger: logger, arrived: .now - waited)
        let response = try await admission.admit(always: route.isAnsweredUnderOverload) {
            try await AccessContext.$current.withValue(authentication?.access) {
                try apiRequest.tagged(try await route.handler(apiRequest))
            }
        }
        return Answer.render(response, exchange)
    }

    /// The body, not before the peer may send it.
    private func collectBody(
        _ request: Request, _ exchange: Exchange, limit: Int, _ share: BodyBudget.Share
    ) async throws -> [UInt8] {
        let declared = request.headers[.contentLength].flatMap { Int($0) }
        if let declared, declared > limit { throw Problem.contentTooLarge(limit: limit) }
        if request.headers[.expect] != nil { exchange.wantsBody() }
        var bytes: [UInt8] = []
        // What is declared need not come.
        bytes.reserveCapacity(min(declared ?? 0, 64 << 10))
        var isTooLarge = false
        var overload: Problem?
        do {
            for try await piece in request.body {
                isTooLarge = bytes.count + piece.readableBytes > limit
                if isTooLarge { break }
                do throws(Problem) { try share.take(piece.readableBytes) } catch { overload = error }
                if overload != nil { break }
                bytes.append(contentsOf: piece.readableBytesView)
            }
        } catch {
            throw ConnectionEnded(wasRefused: (error as? RequestAborted)?.wasRefused ?? false)
        }
        if isTooLarge { throw Problem.contentTooLarge(limit: limit) }
        if let overload { throw overload }
        exchange.note { $0.receivedBytes = bytes.count }
        return bytes
    }

    private func checkExpectation(_ request: Request) throws(Problem) {
        guard let expectation = request.headers[.expect], expectation.lowercased() != "100-continue" else { return }
        throw Problem(.expectationFailed, detail: "The only expectation met is 100-continue.")
    }

    private func options(_ path: PathRoutes) -> APIResponse {
        var response = APIResponse(status: .noContent, headers: [.allow: path.allow])
        if path.takesPatches { response.headers[.acceptPatch] = APIRequest.contentType(for: .patch) }
        return response
    }

    private func pathParameters(_ parameters: Parameters) throws(Problem) -> [String: String] {
        var decoded: [String: String] = [:]
        for (name, value) in parameters {
            guard let text = PercentDecoding.decode(value, plusIsSpace: false) else { throw .notFound() }
            decoded[String(name)] = text
        }
        return decoded
    }

    fileprivate func unknownPath(_ exchange: Exchange) -> Response {
        Answer.render(Problem(.notFound, detail: "There is no such path."), exchange)
    }

    private static func isCanonical(_ path: String) -> Bool {
        var previous: UInt8 = 0
        for byte in path.utf8 {
            if byte == UInt8(ascii: "/"), previous == byte { return false }
            previous = byte
        }
        return previous != UInt8(ascii: "/") || path.utf8.count == 1
    }
}

/// The connection cannot go on.
struct ConnectionEnded: Error {
    /// The peer was told why and the log as well; false when it went away.
    let wasRefused: Bool
}

/// Answers paths that the router does not know.
private struct UnknownPath: RouterMiddleware {
    let dispatcher: Dispatcher

    func handle(
        _ request: Request, context: ExchangeContext, next: (Request, ExchangeContext) async throws -> Response
    ) async throws -> Response {
        guard context.exchange.method == .options, request.uri.string == "*" else {
            return dispatcher.unknownPath(context.exchange)
        }
        // About the server as a whole (RFC 9110, 9.3.7).
        let everything = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
        return Answer.render(APIResponse(status: .noContent, headers: [.allow: everything]), context.exchange)
    }
}
