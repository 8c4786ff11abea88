import Glibc

/// An IPv4 or IPv6 address. An IPv4 address that is written as an IPv6 one (`::ffff:192.0.2.1`) is that IPv4 address.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// In network order: 4 or 16.
    public let bytes: [UInt8]

    /// Nil when the text is no address in its ordinary notation.
    public init?(_ text: some StringProtocol) {
        guard let bytes = Self.parse(String(text)) else { return nil }
        self.init(bytes: bytes)
    }

    /// - Parameter bytes: 4 or 16, in network order.
    init(bytes: [UInt8]) {
        self.bytes = bytes.starts(with: Self.mapped) && bytes.count == 16 ? Array(bytes.suffix(4)) : bytes
    }

    /// `192.0.2.1`, `2001:db8::1`.
    public var description: String { Self.text(bytes) }

    static func text(_ bytes: [UInt8]) -> String {
        let length = Int(INET6_ADDRSTRLEN)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: length) { buffer in
            let family = bytes.count == 4 ? AF_INET : AF_INET6
            guard let base = buffer.baseAddress, inet_ntop(family, bytes, base, socklen_t(length)) != nil
            else { return "" }
            return String(cString: base)
        }
    }

    /// ::ffff:0:0/96.
    static let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

    /// As written: a mapped address stays one.
    static func parse(_ text: String) -> [UInt8]? {
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: v4) { Array($0) } }
        var v6 = in6_addr()
        return inet_pton(AF_INET6, text, &v6) == 1 ? withUnsafeBytes(of: v6) { Array($0) } : nil
    }
}
