import Addresses
import Core
import Foundation

extension FieldType where Value == Set<Scope> {
    /// At least one scope, each once.
    static var scopes: FieldType {
        FieldType { value, pointer, errors in
            let type = FieldType<[Scope]>.array(of: .enumeration(), count: 1...Scope.allCases.count)
            return type.read(value, pointer, errors).flatMap { unique($0, pointer, errors) }.map { Set($0) }
        }
    }
}

extension FieldType where Value == [AddressRange] {
    /// Blocks of addresses, each once; blocks of IPv4-mapped addresses become blocks of IPv4.
    static var addressRanges: FieldType {
        FieldType { value, pointer, errors in
            let range = FieldType<String>.string(length: 1...64).map(
                orSay:
                    "must be an address or a block such as \"192.0.2.0/24\" or \"2001:db8::/32\", without bits behind it"
            ) { AddressRange($0)?.unmapped }
            return FieldType<[AddressRange]>.array(of: range, count: 1...100).read(value, pointer, errors)
                .flatMap { unique($0, pointer, errors) }
        }
    }
}

extension FieldType where Value == Date {
    /// An instant that is still to come.
    static var instantAhead: FieldType {
        FieldType { value, pointer, errors in
            guard let date = FieldType.instant.read(value, pointer, errors) else { return nil }
            guard date > Date() else {
                errors.add(pointer, "out-of-range", "must be ahead")
                return nil
            }
            return date
        }
    }
}

extension FieldType where Value == TimeInterval {
    /// How long a rotated secret goes on: nothing to thirty days, in seconds.
    static var overlap: FieldType {
        FieldType { value, pointer, errors in
            if value == "PT0S" { return 0 }
            guard let seconds = FieldType.duration(range: 0...TimeInterval.infinity).read(value, pointer, errors)
            else { return nil }
            guard seconds <= 30 * 86_400 else {
                errors.add(pointer, "out-of-range", "must be from PT0S to P30D")
                return nil
            }
            return seconds
        }
    }
}

/// The elements, unless one stands twice.
private func unique<Element: Hashable>(_ elements: [Element], _ pointer: String, _ errors: FieldErrors) -> [Element]? {
    var seen: Set<Element> = []
    let repeated = elements.indices.filter { !seen.insert(elements[$0]).inserted }
    for index in repeated { errors.add(JSONPointer.element(index, of: pointer), "duplicate", "stands twice") }
    return repeated.isEmpty ? elements : nil
}
