import Foundation
import Glibc

/// A TCP connection over which a test sends any bytes, blocking; only on threads of its own.
final class HostileConnection {
    /// -1 when it could not be opened.
    private(set) var descriptor: Int32
    private var buffered: [UInt8] = []
    /// The peer closed or reset the connection.
    private(set) var isClosed = false

    /// - Parameter receiveBuffer: bytes that the kernel takes in advance; nil is its own choice.
    init(port: Int, receiveBuffer: Int32? = nil) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 { close() }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Closes so that the peer gets a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func closeOutput() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Sends what the peer takes within the time, and looks whether it answers meanwhile.
    func send(_ bytes: [UInt8], seconds: Double = 10) {
        let end = Date().addingTimeInterval(seconds)
        var start = 0
        while start < bytes.count, Date() < end, !isClosed {
            guard wait(for: Int16(POLLOUT), seconds: 0.2) else { continue }
            let sent = bytes[start...].withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress, min($0.count, 1 << 16),
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if sent < 0 {
                if errno == EAGAIN { continue }
                return
            }
            start += sent
        }
    }

    /// The statuses of the answers that come until there are so many, the peer closes, or the time is over.
    func statuses(_ count: Int = .max, seconds: Double = 12) -> [Int] { answers(count, seconds: seconds).map(\.status) }

    struct Answer {
        let status: Int
        let head: String
        let body: [UInt8]
    }

    func answers(_ count: Int = .max, seconds: Double = 12) -> [Answer] {
        let end = Date().addingTimeInterval(seconds)
        var answers: [Answer] = []
        while answers.count < count {
            if let answer = takeAnswer() {
                answers.append(answer)
            } else if isClosed || Date() >= end {
                break
            } else {
                receive(seconds: min(0.2, end.timeIntervalSinceNow))
            }
        }
        return answers
    }

    /// Whether the peer ends the connection within the time; what it still sends is dropped.
    func ends(within seconds: Double) -> Bool {
        let end = Date().addingTimeInterval(seconds)
        while !isClosed, Date() < end {
            receive(seconds: min(0.2, end.timeIntervalSinceNow))
            buffered = []
        }
        return isClosed
    }

    private func receive(seconds: Double) {
        guard wait(for: Int16(POLLIN), seconds: max(seconds, 0)) else { return }
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
        if count > 0 { buffered += chunk[..<count] } else if count == 0 || errno != EAGAIN { isClosed = true }
    }

    private func wait(for events: Int16, seconds: Double) -> Bool {
        guard descriptor >= 0 else {
            isClosed = true
            return false
        }
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        return poll(&entry, 1, Int32(seconds * 1000)) > 0
    }

    private func takeAnswer() -> Answer? {
        let end = Array("\r\n\r\n".utf8)
        guard let head = buffered.firstRange(of: end) else { return nil }
        let text = String(decoding: buffered[..<head.lowerBound], as: UTF8.self)
        let length =
            text.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
        guard buffered.count >= head.upperBound + length else { return nil }
        let body = Array(buffered[head.upperBound..<head.upperBound + length])
        buffered.removeFirst(head.upperBound + length)
        return Answer(status: Int(text.split(separator: " ")[1]) ?? 0, head: text, body: body)
    }
}

/// Runs blocking code on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        let thread = Thread { continuation.resume(returning: body()) }
        thread.name = "hostile"
        thread.start()
    }
}
