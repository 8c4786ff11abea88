import NIOCore

/// Next to the socket: everything about a connection that is a matter of bytes and time. One timer serves all limits.
///
/// What counts against a request's time is only the time in which we had asked the socket for bytes: while our own side
/// is busy and does not read, the clock stands.
final class ConnectionEdge: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let limits: ConnectionLimits
    private var context: ChannelHandlerContext?
    /// Told when a request did not arrive in time.
    weak var gate: RequestGate?

    /// Time spent waiting for the rest of the request that is arriving; nil when none is.
    private var waited: TimeAmount?
    /// Since when the socket owes us bytes that we asked for.
    private var readSince: NIODeadline?
    /// Since when nothing is asked, being answered or arriving.
    private var idleSince: NIODeadline?
    /// Bytes ever handed to the channel.
    private var written = 0
    private var stall: Stall?
    /// From here on what arrives is dropped.
    private var isDiscarding = false
    private var inputIsClosed = false
    private var lingerUntil: NIODeadline?
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?

    /// An answer waits in the channel because the peer does not take it.
    private struct Stall {
        /// When the window began in which `minimumProgress` bytes must be taken, and how many had been taken then.
        var since: NIODeadline
        var taken: Int
        var nextCheck: NIODeadline
    }

    init(limits: ConnectionLimits) {
        self.limits = limits
    }

    var isRequestArriving: Bool { waited != nil }

    // MARK: From the gate

    /// A request's head was found among the bytes.
    func requestIsArriving() {
        if waited == nil { waited = .zero }
        idleSince = nil
    }

    /// The time begins again: the peer waited for `100 Continue`, not we for the peer.
    func requestMayContinue() {
        guard waited != nil, let context else { return }
        waited = .zero
        if readSince != nil { readSince = context.eventLoop.now }
    }

    /// The request's last byte was found.
    func requestHasArrived() {
        waited = nil
    }

    /// Nothing is left to answer.
    func becameIdle() {
        guard waited == nil, !isDiscarding, let context else { return }
        idleSince = context.eventLoop.now
        arm()
    }

    /// No more requests are wanted: what arrives is dropped.
    func discardInput() {
        isDiscarding = true
        waited = nil
        idleSince = nil
        context?.read()
    }

    /// The last answer has been taken by the socket: closes our side, then lingers.
    func finish() {
        guard let context else { return }
        isDiscarding = true
        context.close(mode: inputIsClosed ? .all : .output, promise: nil)
        context.read()
    }

    /// Closes a connection on which nothing is going on.
    func closeIdle() {
        guard let context else { return }
        if pendingBytes(context) == 0 { context.close(mode: .all, promise: nil) } else { finish() }
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { becameIdle() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        forget()
    }

    func channelActive(context: ChannelHandlerContext) {
        becameIdle()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        forget()
        context.fireChannelInactive()
    }

    private func forget() {
        timer?.task.cancel()
        timer = nil
        context = nil
    }

    func read(context: ChannelHandlerContext) {
        if readSince == nil { readSince = context.eventLoop.now }
        context.read()
        arm()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDiscarding else { return }
        if let waited {
            if let readSince { self.waited = waited + (context.eventLoop.now - readSince) }
        } else {
            // The first bytes after a complete request begin the next one.
            self.waited = .zero
            idleSince = nil
        }
        readSince = nil
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Nobody further up asks for bytes that are only dropped.
        if isDiscarding { context.read() }
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        written += Self.unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        guard stall == nil, self.context != nil else { return }
        let pending = pendingBytes(context)
        guard pending > 0 else { return }
        let now = context.eventLoop.now
        stall = Stall(since: now, taken: written - pending, nextCheck: now + quarter)
        arm()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            inputIsClosed = true
            if isDiscarding, lingerUntil != nil {
                context.close(mode: .all, promise: nil)
                return
            }
        case ChannelEvent.outputClosed:
            isDiscarding = true
            lingerUntil = context.eventLoop.now + limits.lingerTimeout
            context.read()
            arm()
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: Time

    private var quarter: TimeAmount { .nanoseconds(max(limits.writeTimeout.nanoseconds / 4, 1)) }

    private func pendingBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// When the request's time is over, if the peer sends nothing more; nil while we do not wait for it.
    private var requestDeadline: NIODeadline? {
        guard let waited, let readSince else { return nil }
        return readSince + (limits.requestTimeout - waited)
    }

    private func arm() {
        guard let context else { return }
        var next = NIODeadline.distantFuture
        if let requestDeadline { next = min(next, requestDeadline) }
        if let idleSince { next = min(next, idleSince + limits.idleTimeout) }
        if let stall { next = min(next, stall.nextCheck) }
        if let lingerUntil { next = min(next, lingerUntil) }
        if next == .distantFuture { return }
        if let timer, timer.deadline <= next { return }
        timer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { [weak self] in
            self?.timer = nil
            self?.check()
            self?.arm()
        }
        timer = (next, task)
    }

    private func check() {
        guard let context else { return }
        let now = context.eventLoop.now
        if let lingerUntil, now >= lingerUntil { return context.close(mode: .all, promise: nil) }
        if let idleSince, now >= idleSince + limits.idleTimeout { return closeIdle() }
        if checkStall(now, context) { return context.close(mode: .all, promise: nil) }
        if let requestDeadline, now >= requestDeadline {
            waited = nil
            gate?.requestTimedOut()
        }
    }

    /// Whether the peer has stopped taking what we send.
    private func checkStall(_ now: NIODeadline, _ context: ChannelHandlerContext) -> Bool {
        guard var stall, now >= stall.nextCheck else { return false }
        let pending = pendingBytes(context)
        guard pending > 0 else {
            self.stall = nil
            return false
        }
        let taken = written - pending
        if taken - stall.taken >= limits.minimumProgress {
            stall.since = now
            stall.taken = taken
        } else if now >= stall.since + limits.writeTimeout {
            return true
        }
        stall.nextCheck = min(now + quarter, stall.since + limits.writeTimeout)
        self.stall = stall
        return false
    }
}
