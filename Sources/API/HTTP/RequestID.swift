import Core
import Foundation

/// Ids of requests: the caller's own where it is harmless in headers and logs, else a new one.
enum RequestID {
    static let header = "x-request-id"

    static func accepting(_ offered: String?) -> String {
        if let offered, isAcceptable(offered) { return offered }
        return UUIDv7.make().lowercased
    }

    /// 1 to 128 letters, digits, `.`, `_` and `-`.
    private static func isAcceptable(_ text: String) -> Bool {
        guard (1...128).contains(text.utf8.count) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
