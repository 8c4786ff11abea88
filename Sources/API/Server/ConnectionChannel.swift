import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Hummingbird's HTTP/1 connection with our two handlers in it: the edge next to the socket, the gate behind the parser.
struct ConnectionChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    private let http1: HTTP1Channel
    private let limits: ConnectionLimits
    private let open: OpenConnections
    private let onRefusal: @Sendable (Refusal, _ requestID: String) -> Void

    init(
        limits: ConnectionLimits, open: OpenConnections,
        onRefusal: @escaping @Sendable (Refusal, _ requestID: String) -> Void,
        responder: @escaping HTTPChannelHandler.Responder
    ) {
        http1 = HTTP1Channel(
            responder: responder,
            configuration: .init(
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.maximumHeaderFieldSize,
                    maxHeaderListSize: limits.maximumHeaderListSize,
                    maxHeaderFieldCount: limits.maximumHeaderFieldCount)))
        self.limits = limits
        self.open = open
        self.onRefusal = onRefusal
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        open.add(channel)
        return http1.setup(channel: channel, logger: logger).flatMapThrowing { value in
            // Answers are written whole: waiting to fill a packet would only delay them.
            try? channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
            let pipeline = channel.pipeline.syncOperations
            let edge = ConnectionEdge(limits: limits)
            let parser = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(edge, position: .first)
            try pipeline.addHandler(
                RequestGate(limits: limits, edge: edge, onRefusal: onRefusal), position: .after(parser))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await withTaskExecutorPreference(EventLoopExecutor(value.channel.eventLoop)) {
            await http1.handle(value: value, logger: logger)
        }
    }
}

/// The connections that are open, so that a shutdown whose patience has ended can close them.
final class OpenConnections: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    var count: Int { channels.withLock { $0.count } }

    func add(_ channel: any Channel) {
        channels.withLock { $0[ObjectIdentifier(channel)] = channel }
        channel.closeFuture.whenComplete { [self] _ in
            channels.withLock { $0[ObjectIdentifier(channel)] = nil }
        }
    }

    func closeAll() {
        for channel in channels.withLock({ Array($0.values) }) { channel.close(promise: nil) }
    }
}
