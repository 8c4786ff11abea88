import Addresses
import Core
import Foundation
import Testing

@Suite struct KeyLimitsTests {
    private func ranges(_ texts: String...) -> [AddressRange] { texts.compactMap { AddressRange($0)?.unmapped } }

    @Test func nothingExceedsWhatIsUnlimited() {
        for role in Role.allCases {
            #expect(KeyLimits(role: role).excess(over: KeyLimits(role: .owner)) == [])
        }
        #expect(KeyLimits(role: .owner).excess(over: KeyLimits(role: .manager)).map(\.pointer) == ["/role"])
    }

    @Test func aLimitIsExceededByLessOfItAndByNone() {
        let now = Date()
        let own = KeyLimits(
            role: .owner, scopes: [.keysWrite, .keysRead], expiresAt: now,
            allowedAddresses: ranges("10.0.0.0/8", "fd00::/8"))
        #expect(own.excess(over: own) == [])
        var other = KeyLimits(role: .viewer)
        #expect(other.excess(over: own).map(\.pointer) == ["/scopes", "/expires_at", "/allowed_addresses"])
        other = KeyLimits(
            role: .viewer, scopes: [.keysRead], expiresAt: now.addingTimeInterval(-1),
            allowedAddresses: ranges("10.1.0.0/16", "fd00:1::/32"))
        #expect(other.excess(over: own) == [])
        other.allowedAddresses = ranges("10.0.0.0/7")
        #expect(other.excess(over: own).map(\.pointer) == ["/allowed_addresses"])
        other.allowedAddresses = ranges("::/0")
        #expect(other.excess(over: own).map(\.pointer) == ["/allowed_addresses"])
    }

    @Test func addresses() throws {
        let limits = KeyLimits(
            role: .viewer, allowedAddresses: ranges("192.0.2.0/24", "2001:db8::/32", "::ffff:10.0.0.0/104"))
        for address in ["192.0.2.255", "::ffff:192.0.2.1", "2001:db8:ffff::1", "10.9.9.9"] {
            let parsed = try #require(IPAddress(address))
            #expect(limits.admits(parsed), "\(address)")
        }
        for address in ["192.0.3.0", "2001:db9::", "::192.0.2.1", "11.0.0.0"] {
            let parsed = try #require(IPAddress(address))
            #expect(!limits.admits(parsed), "\(address)")
        }
        #expect(!limits.admits(nil) && KeyLimits(role: .viewer).admits(nil))
        #expect(IPAddress("::ffff:192.0.2.1")?.description == "192.0.2.1")
        #expect(AddressRange("2001:DB8:0::/32")?.description == "2001:db8::/32")
        #expect(AddressRange("10.0.0.1")?.description == "10.0.0.1/32")
        for text in ["", "192.0.2", "0x7f000001", "192.0.2.1/24", "fe80::1%eth0", "1.2.3.4, 5.6.7.8"] {
            #expect(IPAddress(text) == nil && AddressRange(text) == nil, "\(text)")
        }
    }
}
