import Addresses

/// Decides which addresses may be connected to. Asked with the address of the very socket about to be opened, after
/// resolution: whatever a URL spells (`0x7f000001`, `localhost`) and whatever a name resolves to the second time, it is
/// the connection that counts.
struct AddressGuard: Sendable {
    let allowPrivateNetworks: Bool
    let allowedNetworks: [AddressRange]

    init(configuration: HTTPClientConfiguration) {
        allowPrivateNetworks = configuration.allowPrivateNetworks
        allowedNetworks = configuration.allowedNetworks
    }

    /// - Parameter address: 4 or 16 bytes in network order; anything else is refused.
    func permits(_ address: [UInt8]) -> Bool {
        guard address.count == 4 || address.count == 16 else { return false }
        let effective = Self.embeddedIPv4(address) ?? address
        return allowPrivateNetworks || Self.isPublic(effective)
            || allowedNetworks.contains { $0.contains(effective) || $0.contains(address) }
    }

    /// The IPv4 address that a mapped (::ffff:0:0/96) or NAT64 (64:ff9b::/96) address really leads to. 6to4, Teredo and
    /// the compatible form carry one too, but are obsolete and refused as a whole.
    private static func embeddedIPv4(_ address: [UInt8]) -> [UInt8]? {
        guard mapped.contains(address) || nat64.contains(address) else { return nil }
        return Array(address.suffix(4))
    }

    private static func isPublic(_ address: [UInt8]) -> Bool {
        if address.count == 4 { return !specialIPv4.contains { $0.contains(address) } }
        return globalUnicast.contains(address) && !specialIPv6.contains { $0.contains(address) }
    }

    private static let mapped = range("::ffff:0:0/96")
    private static let nat64 = range("64:ff9b::/96")

    /// Everything in IPv4 that is not a public unicast address (the IANA special-purpose registry).
    private static let specialIPv4 = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        // Public by number, yet it answers only inside a virtual machine of Azure, with that machine's secrets.
        "168.63.129.16/32",
    ].map(range)

    /// In IPv6 only this block is given out; loopback, ULA, link-local, multicast, compatible … lie outside.
    private static let globalUnicast = range("2000::/3")

    /// Inside it: protocol assignments with Teredo, documentation, 6to4.
    private static let specialIPv6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"].map(range)

    /// For the literals above; a test reads them all.
    private static func range(_ text: String) -> AddressRange {
        guard let range = AddressRange(text) else { preconditionFailure("\(text) is no address range") }
        return range
    }
}
