import Glibc

/// A block of IP addresses, `10.0.0.0/8` or `fd00::/8`; a single address without a length.
public struct AddressRange: Sendable, Hashable {
    /// The network's address in network order: 4 or 16 bytes.
    let network: [UInt8]
    let prefixLength: Int

    /// Nil when the text is no address, the length is out of range, or bits are set beyond it (`10.1.2.3/8`, which is
    /// more likely a slip than an intention).
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let network = Self.addressBytes(String(parts[0])) else { return nil }
        var prefixLength = network.count * 8
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let length = Int(parts[1]), length <= prefixLength
            else { return nil }
            prefixLength = length
        }
        self.init(network: network, prefixLength: prefixLength)
    }

    private init?(network: [UInt8], prefixLength: Int) {
        self.network = network
        self.prefixLength = prefixLength
        for bit in prefixLength..<(network.count * 8) where network[bit / 8] & (0x80 >> UInt8(bit % 8)) != 0 {
            return nil
        }
    }

    /// Whether the address (4 or 16 bytes, network order) lies in the block. The two families never match.
    func contains(_ address: [UInt8]) -> Bool {
        guard address.count == network.count else { return false }
        let wholeBytes = prefixLength / 8
        guard address.prefix(wholeBytes).elementsEqual(network.prefix(wholeBytes)) else { return false }
        let rest = prefixLength % 8
        guard rest > 0 else { return true }
        let mask = ~(UInt8(0xFF) >> UInt8(rest))
        return address[wholeBytes] & mask == network[wholeBytes] & mask
    }

    /// The bytes of an address in its ordinary notation.
    static func addressBytes(_ text: String) -> [UInt8]? {
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: v4) { Array($0) } }
        var v6 = in6_addr()
        return inet_pton(AF_INET6, text, &v6) == 1 ? withUnsafeBytes(of: v6) { Array($0) } : nil
    }
}
