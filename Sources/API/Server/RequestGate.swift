import Core
import NIOCore
import NIOHTTP1

/// Between the HTTP parser and the handlers: lets one request through at a time, refuses what HTTP forbids, and decides
/// when a connection ends.
///
/// A pipelined request is held back, unread further, until the one before it is answered. So a request whose
/// predecessor closed the connection is never carried out, and refusals never overtake answers.
final class RequestGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let limits: ConnectionLimits
    private let edge: ConnectionEdge
    private let onRefusal: @Sendable (Refusal, _ requestID: String) -> Void
    private var context: ChannelHandlerContext?
    private var current: RequestInProgress?
    private var held: [HTTPServerRequestPart] = []
    private var readIsHeld = false
    /// The peer's end of input came while requests were held.
    private var inputClosedIsHeld = false
    private var inputIsClosed = false
    /// The server is stopping: the answer being given is the last.
    private var isDraining = false
    /// Nothing more is taken in or sent, but for what is on its way.
    private var isEnding = false
    /// To be answered when everything before it is.
    private var refusalInWaiting: Refusal?

    init(
        limits: ConnectionLimits, edge: ConnectionEdge,
        onRefusal: @escaping @Sendable (Refusal, _ requestID: String) -> Void
    ) {
        self.limits = limits
        self.edge = edge
        self.onRefusal = onRefusal
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        edge.gate = self
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isEnding, refusalInWaiting == nil else { return }
        let part = Self.unwrapInboundIn(data)
        var isHead = false
        switch part {
        case .head:
            isHead = true
            edge.requestIsArriving()
        case .body: break
        case .end: edge.requestHasArrived()
        }
        if !held.isEmpty || (isHead && current != nil) {
            held.append(part)
        } else {
            deliver(part, context)
        }
    }

    private func deliver(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch part {
        case .head(var head):
            // From here on every request has an acceptable id, under which answers and log lines are found.
            let requestID = RequestID.accepting(head.headers.first(name: RequestID.header))
            head.headers.replaceOrAdd(name: RequestID.header, value: requestID)
            if let refusal = RequestInProgress.refusal(of: head) {
                return refuse(refusal, requestID: requestID, isHEAD: head.method == .HEAD)
            }
            current = RequestInProgress(head, requestID: requestID)
            return context.fireChannelRead(Self.wrapInboundOut(.head(head)))
        case .body(let bytes):
            current?.received(bytes.readableBytes)
        case .end:
            current?.hasArrived = true
        }
        context.fireChannelRead(Self.wrapInboundOut(part))
        if case .end = part, current?.isAnswered == true { next(context) }
    }

    /// The current request is answered and has arrived completely.
    private func next(_ context: ChannelHandlerContext) {
        current = nil
        if !held.isEmpty {
            var count = 0
            for part in held {
                count += 1
                if case .end = part { break }
            }
            let parts = held.prefix(count)
            held.removeFirst(count)
            for part in parts where !isEnding { deliver(part, context) }
            context.fireChannelReadComplete()
        }
        guard held.isEmpty, !isEnding else { return }
        if inputClosedIsHeld {
            inputClosedIsHeld = false
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
        if readIsHeld {
            readIsHeld = false
            context.read()
        }
        guard current == nil else { return }
        if let refusal = refusalInWaiting { return refuse(refusal) }
        if inputIsClosed { return end() }
        edge.becameIdle()
    }

    func read(context: ChannelHandlerContext) {
        if held.isEmpty { context.read() } else { readIsHeld = true }
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isEnding, let request = current else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch Self.unwrapOutboundIn(data) {
        case .head(var head):
            current?.isAnswering = true
            if request.mustClose(after: head, limits) || isDraining || (inputIsClosed && held.isEmpty) {
                current?.closes = true
                head.headers.replaceOrAdd(name: "connection", value: "close")
            }
            head.version = request.version
            context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            if request.isHEAD { promise?.succeed() } else { context.write(data, promise: promise) }
        case .end:
            current?.isAnswered = true
            if request.closes || isDraining {
                finish(with: data, isHEAD: request.isHEAD, context, promise)
            } else {
                context.write(data, promise: promise)
                if request.hasArrived { next(context) }
            }
        }
    }

    /// Sends the last part of the last answer, then ends the connection.
    private func finish(
        with end: NIOAny, isHEAD: Bool, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        isEnding = true
        held = []
        edge.discardInput()
        let taken = promise ?? context.eventLoop.makePromise(of: Void.self)
        // The encoder ends a chunked body with a last chunk, which after a HEAD would be garbage.
        let last = isHEAD ? Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))) : end
        context.writeAndFlush(last, promise: taken)
        taken.futureResult.assumeIsolated().whenComplete { [edge] _ in edge.finish() }
    }

    /// Ends a connection on which nothing is left to answer.
    private func end() {
        isEnding = true
        held = []
        edge.discardInput()
        edge.finish()
    }

    private func refuse(_ refusal: Refusal, requestID: String? = nil, isHEAD: Bool = false) {
        guard let context, !isEnding else { return }
        let requestID = requestID ?? RequestID.accepting(nil)
        onRefusal(refusal, requestID)
        var headers: HTTPHeaders = [
            "connection": "close", "date": HTTPDate.now(), RequestID.header: requestID,
            "x-content-type-options": "nosniff", "cache-control": "no-store",
        ]
        var body = ByteBuffer()
        if let problem = refusal.problem {
            body.writeBytes(problem.json(instance: requestID).serialized())
            headers.add(name: "content-type", value: "application/problem+json")
        }
        headers.add(name: "content-length", value: String(body.readableBytes))
        let head = HTTPResponseHead(version: .http1_1, status: refusal.status, headers: headers)
        let isAborting = current != nil
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        if !isHEAD { context.write(Self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        finish(with: Self.wrapOutboundOut(.end(nil)), isHEAD: isHEAD, context, nil)
        if isAborting { context.fireErrorCaught(RequestAborted(wasRefused: true)) }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is BodyWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if !isEnding, let request = current, request.awaitsContinue, !request.isAnswering {
            current?.awaitsContinue = false
            edge.requestMayContinue()
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(Self.wrapOutboundOut(.head(head)), promise: nil)
        }
        promise?.succeed()
    }

    // MARK: Ends

    /// The edge waited long enough for the request that is arriving.
    func requestTimedOut() {
        endArrival(.timedOut)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError else { return context.fireErrorCaught(error) }
        endArrival(.malformed)
    }

    /// What is arriving will never be a complete request.
    private func endArrival(_ refusal: Refusal) {
        guard let context, !isEnding else { return }
        guard let request = current else { return refuse(refusal) }
        if request.hasArrived {
            // It came behind a request that is still being answered.
            refusalInWaiting = refusal
        } else if request.isAnswered {
            end()
            context.fireErrorCaught(RequestAborted(wasRefused: false))
        } else if request.isAnswering {
            current?.closes = true
        } else {
            refuse(refusal, requestID: request.requestID, isHEAD: request.isHEAD)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            // Not passed on: what is further up would close the connection by its own count of requests.
            isDraining = true
            if current == nil, !edge.isRequestArriving { edge.closeIdle() }
        case ChannelEvent.inputClosed:
            inputIsClosed = true
            guard held.isEmpty else {
                inputClosedIsHeld = true
                return
            }
            context.fireUserInboundEventTriggered(event)
            if current == nil { end() }
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isEnding = true
        held = []
        if let current, !current.hasArrived { context.fireErrorCaught(RequestAborted(wasRefused: false)) }
        context.fireChannelInactive()
    }
}
