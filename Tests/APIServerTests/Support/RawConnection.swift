import NIOCore
import NIOPosix

/// A TCP connection that sends exactly the bytes it is given and shows exactly the answers that come back.
final class RawConnection {
    let channel: any Channel
    private var incoming: AsyncStream<ByteBuffer>.Iterator
    private var buffered: [UInt8] = []

    /// - Parameter reads: false never takes a byte from the socket.
    init(port: Int, reads: Bool = true) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.socketOption(.so_rcvbuf), value: reads ? 1 << 20 : 4096)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(continuation, closesWithPeer: reads))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        incoming = stream.makeAsyncIterator()
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let continuation: AsyncStream<ByteBuffer>.Continuation

        private let closesWithPeer: Bool

        init(_ continuation: AsyncStream<ByteBuffer>.Continuation, closesWithPeer: Bool) {
            self.continuation = continuation
            self.closesWithPeer = closesWithPeer
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case ChannelEvent.inputClosed = event else { return }
            continuation.finish()
            if closesWithPeer { context.close(promise: nil) }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            continuation.yield(Self.unwrapInboundIn(data))
        }

        func channelInactive(context: ChannelHandlerContext) {
            continuation.finish()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            continuation.finish()
            context.close(promise: nil)
        }
    }

    /// Queues the text; returns at once, since the server may not want to take it.
    func send(_ text: String) {
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
    }

    func send(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    /// Sends the bytes and waits until the socket has taken them all.
    func sendCompletely(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// Begins to take bytes from the socket.
    func startReading() async throws {
        try await channel.setOption(.autoRead, value: true).get()
    }

    func close() {
        channel.close(promise: nil)
    }

    /// Shuts down our sending side only.
    func closeOutput() async throws {
        try await channel.close(mode: .output).get()
    }

    /// The next answer; nil when the server closed instead.
    func response(toHEAD isHEAD: Bool = false) async -> RawResponse? {
        guard let head = await take(through: "\r\n\r\n") else { return nil }
        var response = RawResponse(head: head)
        if isHEAD || response.status < 200 || response.status == 204 { return response }
        if response["transfer-encoding"] == "chunked" {
            while true {
                guard let line = await take(through: "\r\n"), let size = Int(line.filter(\.isHexDigit), radix: 16),
                    let chunk = await take(size + 2)
                else {
                    response.isComplete = false
                    return response
                }
                if size == 0 { return response }
                response.body += chunk.dropLast(2)
            }
        }
        guard let length = response["content-length"].flatMap({ Int($0) }), let body = await take(length) else {
            response.isComplete = false
            return response
        }
        response.body = body
        return response
    }

    /// Whether the server closed without another byte.
    func isClosed() async -> Bool {
        buffered.isEmpty ? await incoming.next(isolation: nil) == nil : false
    }

    /// All bytes until the server closes.
    func rest() async -> [UInt8] {
        while await more() {}
        return buffered
    }

    private func more() async -> Bool {
        guard let bytes = await incoming.next(isolation: nil) else { return false }
        buffered += bytes.readableBytesView
        return true
    }

    private func take(_ count: Int) async -> [UInt8]? {
        while buffered.count < count {
            guard await more() else { return nil }
        }
        let taken = Array(buffered.prefix(count))
        buffered.removeFirst(count)
        return taken
    }

    private func take(through end: String) async -> String? {
        let end = Array(end.utf8)
        while true {
            if buffered.count >= end.count {
                for start in 0...buffered.count - end.count where buffered[start..<start + end.count].elementsEqual(end)
                {
                    return await take(start + end.count).map { String(decoding: $0, as: UTF8.self) }
                }
            }
            guard await more() else { return nil }
        }
    }
}

/// An answer as it came over the wire.
struct RawResponse {
    let status: Int
    let headers: [(name: String, value: String)]
    var body: [UInt8] = []
    var isComplete = true

    init(head: String) {
        let lines = head.split(separator: "\r\n")
        status = Int(lines[0].split(separator: " ")[1]) ?? 0
        headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (parts[0].lowercased(), parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
        }
    }

    subscript(name: String) -> String? { headers.first { $0.name == name }?.value }

    var text: String { String(decoding: body, as: UTF8.self) }
}
