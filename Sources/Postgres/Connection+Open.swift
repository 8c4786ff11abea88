import CLibPQ
import Foundation
import Logging

extension Connection {
    /// Connects, blocking.
    static func connect(_ parameters: ConnectionParameters) throws(PostgresError) -> OpaquePointer {
        let pairs = Array(parameters.values)
        let keywords = pairs.map { strdup($0.key) }
        let values = pairs.map { strdup($0.value) }
        defer { (keywords + values).forEach { free($0) } }
        let handle = PQconnectdbParams(
            keywords.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 0)
        guard let handle else { throw PostgresError(.connection, message: "out of memory") }
        guard PQstatus(handle) == CONNECTION_OK else {
            let message = String(cString: PQerrorMessage(handle)).trimmedLine
            PQfinish(handle)
            throw PostgresError(.connection, message: message)
        }
        let version = PQserverVersion(handle)
        guard version >= 150_000 else {
            PQfinish(handle)
            throw PostgresError(
                .configuration, message: "the server is PostgreSQL \(version / 10_000); 15 is the oldest that will do")
        }
        return handle
    }
}

/// Sends what the server remarks to the log.
final class NoticeReceiver {
    private let logger: Logger
    init(_ logger: Logger) { self.logger = logger }

    func receive(_ result: OpaquePointer) {
        logger.debug("\(String(cString: PQresultErrorMessage(result)).trimmedLine)")
    }
}

func receiveNotice(_ context: UnsafeMutableRawPointer?, _ result: OpaquePointer?) {
    guard let context, let result else { return }
    Unmanaged<NoticeReceiver>.fromOpaque(context).takeUnretainedValue().receive(result)
}
