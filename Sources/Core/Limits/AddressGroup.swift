import Foundation

/// The addresses that are taken for one client: an IPv4 address, or the /64 of an IPv6 address, since a network of that
/// size is what a single subscriber is given. An address that cannot be read is in a group with all such.
public struct AddressGroup: Sendable, Hashable {
    private let bytes: [UInt8]

    /// - Parameter address: as text, without port; nil where there is none.
    public init(_ address: String?) {
        let text = (address ?? "").split(separator: "%", maxSplits: 1).first.map(String.init) ?? ""
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            bytes = withUnsafeBytes(of: v4) { Array($0) }
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            let all = withUnsafeBytes(of: v6) { Array($0) }
            let isMapped = all.prefix(10).allSatisfy { $0 == 0 } && all[10] == 0xFF && all[11] == 0xFF
            bytes = isMapped ? Array(all.suffix(4)) : Array(all.prefix(8))
        } else {
            bytes = []
        }
    }
}
