import Core
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// Turns answers and errors into what Hummingbird sends.
enum Answer {
    static func render(_ response: APIResponse, _ exchange: Exchange) -> Response {
        var headers = response.headers
        headers.append(contentsOf: exchange.notes.headers)
        headers[.xRequestID] = exchange.requestID
        headers[.date] = HTTPDate.now()
        headers[.xContentTypeOptions] = "nosniff"
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
        // RFC 9110, 15.3.5 and 15.4.5: these have neither body nor length.
        guard response.status != .noContent, response.status != .notModified else {
            return Response(status: response.status, headers: headers, body: emptyBody)
        }
        switch response.body {
        case .none:
            return finish(response.status, headers, exchange, bytes: [])
        case .json(let json):
            headers[.contentType] = headers[.contentType] ?? "application/json"
            return finish(response.status, headers, exchange, bytes: json.serialized())
        case .bytes(let bytes, let contentType):
            headers[.contentType] = contentType
            return finish(response.status, headers, exchange, bytes: bytes)
        case .stream(let pieces, let contentType, let length):
            headers[.contentType] = contentType
            headers[.contentLength] = length.map(String.init)
            let body = exchange.method == .head ? emptyBody : streamed(pieces, length, exchange)
            return Response(status: response.status, headers: headers, body: body)
        }
    }

    /// Without a length of its own: Hummingbird would write one where none may stand.
    private static var emptyBody: ResponseBody {
        ResponseBody(contentLength: nil) { writer in try await writer.finish(nil) }
    }

    private static func streamed(_ pieces: APIResponse.Pieces, _ length: Int?, _ exchange: Exchange) -> ResponseBody {
        ResponseBody(contentLength: length) { writer in
            for try await piece in pieces {
                exchange.note { $0.streamedBytes += piece.count }
                try await writer.write(ByteBuffer(bytes: piece))
            }
            try await writer.finish(nil)
        }
    }

    /// What the client may know of an error; the error itself goes to the log where it is ours.
    static func render(_ error: any Error, _ exchange: Exchange) -> Response {
        let (problem, isWorthLogging) = Problem.describing(error)
        if isWorthLogging {
            exchange.logger.error(
                "request failed",
                metadata: ["error": "\(String(reflecting: error))", "problem": "\(problem.type.name)"])
        }
        exchange.note { $0.problem = problem.type.name }
        var response = APIResponse(
            status: HTTPResponse.Status(code: problem.type.status), headers: problem.headers,
            body: .json(problem.json(instance: exchange.requestID)))
        response.headers[.contentType] = "application/problem+json"
        return render(response, exchange)
    }

    private static func finish(
        _ status: HTTPResponse.Status, _ headers: HTTPFields, _ exchange: Exchange, bytes: [UInt8]
    ) -> Response {
        var headers = headers
        headers[.contentLength] = String(bytes.count)
        let isEmpty = exchange.method == .head || bytes.isEmpty
        let body = isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        return Response(status: status, headers: headers, body: body)
    }
}
