/// A block of IP addresses, `10.0.0.0/8` or `fd00::/8`; a single address without a length.
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    /// The network's address in network order: 4 or 16 bytes.
    private let network: [UInt8]
    private let prefixLength: Int

    /// Nil when the text is no address, the length is out of range, or bits are set beyond it (`10.1.2.3/8`, which is
    /// more likely a slip than an intention).
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let network = IPAddress.parse(String(parts[0])) else { return nil }
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

    /// The same block of IPv4, where it is written as a block of mapped addresses (`::ffff:10.0.0.0/104`): what
    /// `IPAddress` makes of an address.
    public var unmapped: AddressRange {
        guard network.count == 16, prefixLength >= 96, network.starts(with: IPAddress.mapped) else { return self }
        return AddressRange(network: Array(network.suffix(4)), prefixLength: prefixLength - 96) ?? self
    }

    /// With its length, also for a single address.
    public var description: String { "\(IPAddress.text(network))/\(prefixLength)" }

    public func contains(_ address: IPAddress) -> Bool { contains(address.bytes) }

    /// Whether every address of the other block lies in this one.
    public func contains(_ other: AddressRange) -> Bool {
        prefixLength <= other.prefixLength && contains(other.network)
    }

    /// Whether the address (4 or 16 bytes, network order) lies in the block. The two families never match.
    public func contains(_ address: [UInt8]) -> Bool {
        guard address.count == network.count else { return false }
        let wholeBytes = prefixLength / 8
        guard address.prefix(wholeBytes).elementsEqual(network.prefix(wholeBytes)) else { return false }
        let rest = prefixLength % 8
        guard rest > 0 else { return true }
        let mask = ~(UInt8(0xFF) >> UInt8(rest))
        return address[wholeBytes] & mask == network[wholeBytes] & mask
    }
}
