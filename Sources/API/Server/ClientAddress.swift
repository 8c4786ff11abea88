import Addresses
import HTTPTypes
import NIOCore

/// Whose address a request comes from.
enum ClientAddress {
    /// The peer's, unless that is a proxy that is trusted: then the rightmost address of `X-Forwarded-For` that is not.
    ///
    /// Everything left of it is whatever the client chose to write. An entry that is no address ends the walk at the proxy
    /// before it, so that nonsense never becomes somebody else.
    static func of(peer: IPAddress, headers: HTTPFields, trusted: [AddressRange]) -> IPAddress {
        var address = peer
        func isTrusted() -> Bool { trusted.contains { $0.contains(address) } }
        guard isTrusted() else { return peer }
        let entries = headers[values: .xForwardedFor].flatMap { $0.split(separator: ",") }
        for entry in entries.reversed() {
            guard isTrusted(), let next = parse(entry) else { break }
            address = next
        }
        return address
    }

    /// The peer of a connection as text for logs, limits and the audit log; nil when it has gone already.
    static func text(_ channel: any Channel, headers: HTTPFields, trusted: [AddressRange]) -> String? {
        channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
            .map { of(peer: $0, headers: headers, trusted: trusted).description }
    }

    /// Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
    private static func parse(_ entry: Substring) -> IPAddress? {
        let text = entry.filter { $0 != " " && $0 != "\t" }
        if let address = IPAddress(text) { return address }
        if text.first == "[", let end = text.firstIndex(of: "]") { return IPAddress(text[..<end].dropFirst()) }
        guard let colon = text.lastIndex(of: ":"), text.firstIndex(of: ":") == colon else { return nil }
        return IPAddress(text[..<colon])
    }
}
