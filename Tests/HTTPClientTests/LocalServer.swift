import Foundation
import Synchronization

@testable import HTTPClient

/// A small HTTP/1.1 server on loopback with one thread per connection, whose handler may misbehave in any way.
final class LocalServer: Sendable {
    struct Request: Sendable {
        var method: String
        var path: String
        /// Header lines as they came, without the request line.
        var headers: [String]
        var body: [UInt8]
    }

    enum Event: Sendable, Equatable {
        case request(String)
        case disconnected
    }

    /// What a handler writes to.
    struct Connection: Sendable {
        let descriptor: Int32

        /// False when the client has gone.
        @discardableResult
        func write(_ text: String) -> Bool {
            var bytes = Array(text.utf8)[...]
            while !bytes.isEmpty {
                let written = bytes.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { return false }
                bytes = bytes.dropFirst(written)
            }
            return true
        }

        func answer(_ status: Int, _ body: String = "", headers: [String] = []) {
            let lines = ["HTTP/1.1 \(status) Whatever", "Content-Length: \(body.utf8.count)"] + headers
            write(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
        }

        /// Returns when the client has closed the connection.
        func waitUntilClosed() {
            var byte: UInt8 = 0
            while recv(descriptor, &byte, 1, 0) > 0 {}
        }
    }

    private struct State {
        var descriptors: Set<Int32> = []
        var accepted = 0
        var peak = 0
        var requests: [Request] = []
        var threads = 1
        var isStopping = false
        var stoppers: [CheckedContinuation<Void, Never>] = []
    }

    let port: Int
    let events: AsyncStream<Event>
    private let publish: AsyncStream<Event>.Continuation
    private let listener: Int32
    private let state = Mutex(State())
    private let greeting: String
    private let handler: @Sendable (Request, Connection) -> Void

    var url: String { "http://127.0.0.1:\(port)" }
    /// Connections taken so far.
    var accepted: Int { state.withLock { $0.accepted } }
    /// The most that were open at once.
    var peak: Int { state.withLock { $0.peak } }
    var open: Int { state.withLock { $0.descriptors.count } }
    var requests: [Request] { state.withLock { $0.requests } }

    /// - Parameters:
    ///   - address: in the order of this machine; another of 127.0.0.0/8 stands for another host.
    ///   - port: 0 for any that is free.
    ///   - greeting: written as soon as a connection is taken, before any request.
    init(
        address host: UInt32 = 0x7F00_0001, port wanted: Int = 0, greeting: String = "",
        _ handler: @escaping @Sendable (Request, Connection) -> Void
    ) throws {
        self.greeting = greeting
        self.handler = handler
        (events, publish) = AsyncStream.makeStream()
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = host.bigEndian
        address.sin_port = UInt16(wanted).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) | listen(listener, 1024) | getsockname(listener, $0, &length)
            }
        }
        guard listener >= 0, code == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread { [self] in acceptConnections() }.start()
    }

    /// Closes everything and returns when every thread has ended.
    func stop() async {
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

    private func endThread() {
        let stoppers = state.withLock { state in
            state.threads -= 1
            guard state.threads == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.stoppers.removeAll() }
            return state.stoppers
        }
        for stopper in stoppers { stopper.resume() }
    }

    private func acceptConnections() {
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else {
                if state.withLock({ $0.isStopping }) { break }
                // A client that left before it was taken, or descriptors that ran out for a moment.
                usleep(1000)
                continue
            }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            var on: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
            let goesOn = state.withLock { state in
                guard !state.isStopping else { return false }
                state.descriptors.insert(descriptor)
                state.accepted += 1
                state.peak = max(state.peak, state.descriptors.count)
                state.threads += 1
                return true
            }
            guard goesOn else {
                close(descriptor)
                break
            }
            let thread = Thread { [self] in serve(Connection(descriptor: descriptor)) }
            thread.stackSize = 256 << 10
            thread.start()
        }
        close(listener)
        endThread()
    }

    private func serve(_ connection: Connection) {
        var buffer: [UInt8] = []
        if !greeting.isEmpty { connection.write(greeting) }
        while let request = read(from: connection, into: &buffer) {
            state.withLock { $0.requests.append(request) }
            publish.yield(.request(request.path))
            handler(request, connection)
        }
        state.withLock { state in
            _ = state.descriptors.remove(connection.descriptor)
            close(connection.descriptor)
        }
        publish.yield(.disconnected)
        endThread()
    }

    private func read(from connection: Connection, into buffer: inout [UInt8]) -> Request? {
        func receive() -> Bool {
            var chunk = [UInt8](repeating: 0, count: 16_384)
            let count = recv(connection.descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return false }
            buffer += chunk.prefix(count)
            return true
        }
        var end: Int?
        while true {
            end = buffer.indices.dropLast(3).first { buffer[$0..<$0 + 4].elementsEqual("\r\n\r\n".utf8) }
            if end != nil { break }
            guard receive() else { return nil }
        }
        let lines = String(decoding: buffer[..<(end ?? 0)], as: UTF8.self).components(separatedBy: "\r\n")
        buffer.removeFirst((end ?? 0) + 4)
        let length = lines.compactMap { line -> Int? in
            guard line.lowercased().hasPrefix("content-length:") else { return nil }
            return Int(line.dropFirst(15).trimmingCharacters(in: .whitespaces))
        }
        while buffer.count < length.first ?? 0 {
            guard receive() else { return nil }
        }
        let words = lines[0].split(separator: " ")
        defer { buffer.removeFirst(length.first ?? 0) }
        return Request(
            method: String(words[0]), path: String(words[1]), headers: Array(lines.dropFirst()),
            body: Array(buffer.prefix(length.first ?? 0)))
    }
}

/// Gives a server and a client that may reach it, and ends both.
func withServer(
    _ configuration: (inout HTTPClientConfiguration) -> Void = { _ in },
    handler: @escaping @Sendable (LocalServer.Request, LocalServer.Connection) -> Void,
    _ body: (LocalServer, HTTPClient) async throws -> Void
) async throws {
    let server = try LocalServer(handler)
    var settings = HTTPClientConfiguration(allowPrivateNetworks: true, drainTimeout: .zero)
    configuration(&settings)
    let client = HTTPClient(configuration: settings)
    do {
        try await body(server, client)
    } catch {
        await client.close()
        await server.stop()
        throw error
    }
    await client.close()
    await server.stop()
}
