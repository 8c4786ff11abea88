import Glibc
import Synchronization

/// A name whose address changes from look-up to look-up, as an attacker's name server would have it.
///
/// Every look-up of this process comes by ``lookUp(_:_:_:_:)``: libcurl's, and any that the client would do by itself. So no
/// name server and no configuration of the machine has a part in it.
enum Rebinding {
    private struct Answers {
        var addresses: [String]
        var given = 0
    }

    private static let names = Mutex<[String: Answers]>([:])

    /// - Parameter addresses: what the first look-up finds, what the second, and so on; the last one from then on.
    static func answer(_ name: String, with addresses: [String]) {
        names.withLock { $0[name] = Answers(addresses: addresses) }
    }

    /// How often the name was looked up.
    static func lookUps(of name: String) -> Int { names.withLock { $0[name]?.given ?? 0 } }

    fileprivate static func next(_ name: String) -> String? {
        names.withLock { names in
            guard let answers = names[name] else { return nil }
            names[name]?.given += 1
            return answers.addresses[min(answers.given, answers.addresses.count - 1)]
        }
    }
}

private typealias LookUp =
    @convention(c) (
        UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<addrinfo>?,
        UnsafeMutablePointer<UnsafeMutablePointer<addrinfo>?>?
    ) -> CInt

/// The system's; this one stands before it. `RTLD_NEXT` is a macro that Swift does not see.
private let systemLookUp = unsafeBitCast(
    dlsym(UnsafeMutableRawPointer(bitPattern: -1), "getaddrinfo"), to: LookUp.self)

/// In the place of the C library's function of that name for everything in this process, since the program comes before its
/// libraries when symbols are looked for.
@c(getaddrinfo)
public func lookUp(
    _ name: UnsafePointer<CChar>?, _ service: UnsafePointer<CChar>?, _ hints: UnsafePointer<addrinfo>?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<addrinfo>?>?
) -> CInt {
    guard let name, let address = Rebinding.next(String(cString: name)) else {
        return systemLookUp(name, service, hints, result)
    }
    return address.withCString { systemLookUp($0, service, hints, result) }
}
