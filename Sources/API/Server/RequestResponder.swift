import Addresses
import struct Core.TraceContext
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// One request on a connection: gives it an id and its place in a trace, has it answered, sends the answer, counts it and
/// writes its line into the log.
struct RequestResponder: Sendable {
    let router: RouterResponder<ExchangeContext>
    let trustedProxies: [AddressRange]
    let logger: Logger
    /// Nil for a server whose requests are not counted.
    let metrics: RequestMetrics?

    func respond(to request: Request, writer: consuming ResponseWriter, channel: any Channel) async throws {
        let started = ContinuousClock.now
        let requestID = RequestID.accepting(request.headers[.xRequestID])
        var logger = logger
        logger[metadataKey: "request_id"] = "\(requestID)"
        let trace = TraceContext.accepting(request.headers)
        logger[metadataKey: "trace_id"] = "\(trace.traceID)"
        metrics?.inFlight.increment()
        defer { metrics?.inFlight.decrement() }
        let exchange = Exchange(
            method: request.method, requestID: requestID, started: started,
            address: ClientAddress.text(channel, headers: request.headers, trusted: trustedProxies), logger: logger,
            channel: channel)
        var head = request.head
        head.method = .get
        let routed = Request(head: head, body: request.body)
        var status: Int?
        do {
            let response = try await TraceContext.$current.withValue(trace) {
                try await router.respond(to: routed, context: ExchangeContext(source: .init(exchange: exchange)))
            }
            status = response.status.code
            let bytes = response.body.contentLength
            try await writer.write(response: response.head, body: response.body)
            log(exchange, status: response.status.code, bytes: bytes, since: started, isComplete: true)
        } catch {
            // The peer went away or was refused, or a stream failed after its head was sent. The connection ends.
            if (error as? ConnectionEnded)?.wasRefused != true {
                log(exchange, status: status, bytes: nil, since: started, isComplete: false)
            }
            throw error
        }
    }

    /// Never a path with ids, a query, a header or a body: the template tells enough, and the rest can hold secrets.
    private func log(
        _ exchange: Exchange, status: Int?, bytes: Int?, since started: ContinuousClock.Instant, isComplete: Bool
    ) {
        let notes = exchange.notes
        let took = ContinuousClock.now - started
        let whole = exchange.method == .head ? 0 : bytes ?? 0
        let sent = notes.streamedBytes > 0 ? notes.streamedBytes : whole
        metrics?.record(
            exchange.method, notes.route, status: status, received: notes.receivedBytes, sent: sent, took: took)
        guard exchange.logger.logLevel <= .info else { return }
        let duration = took.components
        let microseconds = duration.seconds * 1_000_000 + duration.attoseconds / 1_000_000_000_000
        var metadata: Logger.Metadata = notes.caller
        metadata["method"] = "\(exchange.method.rawValue)"
        metadata["route"] = "\(notes.route ?? "-")"
        metadata["status"] = "\(status.map(String.init) ?? "-")"
        metadata["duration_ms"] = "\(Double(microseconds) / 1000)"
        metadata["bytes_in"] = "\(notes.receivedBytes)"
        metadata["bytes_out"] = "\(sent)"
        if let problem = notes.problem { metadata["problem"] = "\(problem)" }
        if !isComplete { metadata["complete"] = "false" }
        exchange.logger.info("request", metadata: metadata)
    }
}
