import Foundation
import Synchronization

/// The receiver behind a custom channel: takes deliveries over HTTP on loopback, keeps them, and answers as it is told.
///
/// One thread a connection, none of them in the cooperative pool; `stop` ends them all.
public final class FakeChannel: Sendable {
    /// One attempt as it arrived.
    public struct Delivery: Sendable {
        /// The Idempotency-Key, without its quotes.
        public let key: String
        /// The bearer token.
        public let token: String
        /// All of them, under names in lower case.
        public let headers: [String: String]
        public let body: [UInt8]
        /// Which attempt under this key this is, 1 for the first.
        public let attempt: Int

        public var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// What to do with a delivery.
    public enum Answer: Sendable {
        case status(Int, body: String = "")
        /// Points somewhere else.
        case redirect(Int, to: String)
        /// After so long.
        case late(Duration, status: Int)
        /// Closes the connection without a word: nobody knows whether it arrived.
        case hangUp
    }

    private struct State {
        var deliveries: [Delivery] = []
        var descriptors: Set<Int32> = []
        var threads = 1
        var isStopping = false
        var stoppers: [CheckedContinuation<Void, Never>] = []
    }

    public let url: String
    public let port: Int
    private let listener: Int32
    private let state = Mutex(State())
    private let answer: @Sendable (Delivery) -> Answer

    /// Everything received so far, in the order of arrival.
    public var deliveries: [Delivery] { state.withLock { $0.deliveries } }

    /// - Parameters:
    ///   - address: of loopback; several may share a port.
    ///   - port: 0 is one that is free.
    ///   - answer: called for every delivery, after it has been kept.
    public init(
        address host: UInt32 = 0x7F00_0001, port: Int = 0,
        _ answer: @escaping @Sendable (Delivery) -> Answer = { _ in .status(200) }
    ) throws {
        self.answer = answer
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(host).bigEndian
        address.sin_port = UInt16(port).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) | listen(listener, 1024) | getsockname(listener, $0, &length)
            }
        }
        guard listener >= 0, code == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
        self.listener = listener
        self.port = Int(UInt16(bigEndian: address.sin_port))
        url = "http://127.0.0.\(host & 0xFF):\(self.port)/messages"
        Thread { [self] in acceptConnections() }.start()
    }

    /// Ends every connection; returns when all threads have ended.
    public func stop() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.threads == 0 { return true }
                state.stoppers.append(continuation)
                guard !state.isStopping else { return false }
                state.isStopping = true
                shutdown(listener, Int32(SHUT_RDWR))
                for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    private func acceptConnections() {
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else {
                if state.withLock({ $0.isStopping }) { break }
                // A client that left before it was taken.
                usleep(1000)
                continue
            }
            // Worker processes that are started meanwhile must not hold it open.
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            let goesOn = state.withLock { state in
                guard !state.isStopping else { return false }
                state.descriptors.insert(descriptor)
                state.threads += 1
                return true
            }
            guard goesOn else {
                close(descriptor)
                break
            }
            let thread = Thread { [self] in serve(descriptor) }
            thread.stackSize = 256 << 10
            thread.start()
        }
        close(listener)
        endThread()
    }

    private func serve(_ descriptor: Int32) {
        var buffer: [UInt8] = []
        while let delivery = read(descriptor, &buffer) {
            var answer = answer(delivery)
            if case .late(let delay, let status) = answer {
                usleep(UInt32(delay / .microseconds(1)))
                answer = .status(status)
            }
            var (fields, body) = ("", "")
            let status: Int
            switch answer {
            case .status(let code, let text): (status, body) = (code, text)
            case .redirect(let code, let location): (status, fields) = (code, "Location: \(location)\r\n")
            case .late, .hangUp: status = 0
            }
            guard status > 0 else { break }
            write(
                "HTTP/1.1 \(status) Answer\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)",
                to: descriptor)
        }
        state.withLock { state in
            _ = state.descriptors.remove(descriptor)
            close(descriptor)
        }
        endThread()
    }

    private func read(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Delivery? {
        func receive() -> Bool {
            var chunk = [UInt8](repeating: 0, count: 16_384)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return false }
            buffer += chunk.prefix(count)
            return true
        }
        func headEnd() -> Int? {
            buffer.indices.dropLast(3).first { buffer[$0..<$0 + 4].elementsEqual("\r\n\r\n".utf8) }
        }
        while headEnd() == nil { guard receive() else { return nil } }
        let end = headEnd() ?? 0
        var headers: [String: String] = [:]
        for line in String(decoding: buffer[..<end], as: UTF8.self).components(separatedBy: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        let length = headers["content-length"].flatMap(Int.init) ?? 0
        while buffer.count < end + 4 + length { guard receive() else { return nil } }
        let body = Array(buffer[(end + 4)..<(end + 4 + length)])
        buffer.removeFirst(end + 4 + length)
        let key = (headers["idempotency-key"] ?? "").trimmingCharacters(in: CharacterSet(charactersIn: "\""))
        let token = (headers["authorization"] ?? "").replacingOccurrences(of: "Bearer ", with: "")
        return state.withLock { state in
            let delivery = Delivery(
                key: key, token: token, headers: headers, body: body,
                attempt: 1 + state.deliveries.count { $0.key == key })
            state.deliveries.append(delivery)
            return delivery
        }
    }

    private func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }

    private func endThread() {
        let stoppers = state.withLock { state in
            state.threads -= 1
            guard state.threads == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.stoppers = [] }
            return state.stoppers
        }
        for stopper in stoppers { stopper.resume() }
    }
}
