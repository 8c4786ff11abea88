import Foundation

/// How a field's JSON value becomes a Swift value: the type, the limits, and what is said when it does not fit.
public struct FieldType<Value>: Sendable {
    /// Reads the value at the pointer; when it does not fit, adds the reason and returns nil.
    public let read: @Sendable (_ value: JSON, _ pointer: String, _ errors: FieldErrors) -> Value?

    /// A type of your own.
    public init(read: @escaping @Sendable (_ value: JSON, _ pointer: String, _ errors: FieldErrors) -> Value?) {
        self.read = read
    }

    /// The same, turned into something else; `nil` from the closure is the format error with the given detail.
    public func map<Other>(
        orSay detail: String, _ transform: @escaping @Sendable (Value) -> Other?
    ) -> FieldType<Other> {
        FieldType<Other> { value, pointer, errors in
            guard let read = read(value, pointer, errors) else { return nil }
            guard let transformed = transform(read) else {
                errors.add(pointer, "invalid-format", detail)
                return nil
            }
            return transformed
        }
    }
}

private func wrongType(_ value: JSON, _ pointer: String, _ errors: FieldErrors, expected: String) {
    errors.add(pointer, "wrong-type", "must be \(expected), not \(value.kindName)")
}

extension FieldType where Value == JSON {
    /// Any JSON value.
    public static var any: FieldType { FieldType { value, _, _ in value } }
}

extension FieldType where Value == String {
    /// Text of that many Unicode scalars.
    public static func string(length: ClosedRange<Int> = 0...10_000) -> FieldType {
        FieldType { value, pointer, errors in
            guard case .string(let text) = value else {
                wrongType(value, pointer, errors, expected: "a string")
                return nil
            }
            let count = text.unicodeScalars.count
            if count < length.lowerBound {
                let detail =
                    count == 0
                    ? "must not be empty" : "must have at least \(length.lowerBound) characters, has \(count)"
                errors.add(pointer, "too-short", detail)
                return nil
            }
            if count > length.upperBound {
                errors.add(pointer, "too-long", "must have at most \(length.upperBound) characters, has \(count)")
                return nil
            }
            return text
        }
    }

    /// Text of at most that many bytes of UTF-8, not empty.
    public static func string(maximumBytes: Int) -> FieldType {
        FieldType { value, pointer, errors in
            guard let text = FieldType.string(length: 1...Int.max).read(value, pointer, errors) else { return nil }
            guard text.utf8.count <= maximumBytes else {
                errors.add(pointer, "too-long", "must have at most \(maximumBytes) bytes, has \(text.utf8.count)")
                return nil
            }
            return text
        }
    }

    /// A name that programs use: a letter or `_`, then letters, digits, `_`, `-`, `.`; ASCII only.
    public static func identifier(length: ClosedRange<Int> = 1...64) -> FieldType {
        FieldType.string(length: length).map(
            orSay: "must be letters, digits, _, - and . only, and begin with a letter, a digit or _"
        ) { text in
            for (position, byte) in text.utf8.enumerated() {
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    continue
                case UInt8(ascii: "-") where position > 0, UInt8(ascii: ".") where position > 0: continue
                default: return nil
                }
            }
            return text
        }
    }
}

extension FieldType where Value == Int {
    /// A whole number in the range.
    public static func int(range: ClosedRange<Int> = Int.min...Int.max) -> FieldType {
        FieldType { value, pointer, errors in
            guard value.double != nil else {
                wrongType(value, pointer, errors, expected: "a whole number")
                return nil
            }
            guard let number = value.int, range.contains(number) else {
                let detail =
                    range == Int.min...Int.max
                    ? "must be a whole number of 64 bits"
                    : "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
                errors.add(pointer, "out-of-range", detail)
                return nil
            }
            return number
        }
    }
}

extension FieldType where Value == Double {
    /// Any finite number in the range.
    public static func number(range: ClosedRange<Double>? = nil) -> FieldType {
        FieldType { value, pointer, errors in
            guard let number = value.double else {
                wrongType(value, pointer, errors, expected: "a number")
                return nil
            }
            if let range, !range.contains(number) {
                errors.add(pointer, "out-of-range", "must be from \(range.lowerBound) to \(range.upperBound)")
                return nil
            }
            return number
        }
    }

    /// An ISO 8601 duration such as `PT15M`, in seconds.
    public static func duration(range: ClosedRange<TimeInterval> = 1...(366 * 86_400)) -> FieldType {
        FieldType { value, pointer, errors in
            guard case .string(let text) = value else {
                wrongType(value, pointer, errors, expected: "a duration such as \"PT15M\"")
                return nil
            }
            guard let seconds = DurationText.parse(text) else {
                errors.add(
                    pointer, "invalid-format",
                    "must be a duration of weeks, days, hours, minutes and seconds such as \"PT15M\" or \"P1DT12H\"")
                return nil
            }
            guard range.contains(seconds) else {
                let limits = "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
                errors.add(pointer, "out-of-range", "must be from \(limits)")
                return nil
            }
            return seconds
        }
    }
}

extension FieldType where Value == Bool {
    /// `true` or `false`.
    public static var bool: FieldType {
        FieldType { value, pointer, errors in
            guard let flag = value.bool else {
                wrongType(value, pointer, errors, expected: "true or false")
                return nil
            }
            return flag
        }
    }
}

extension FieldType where Value == UUID {
    /// A UUID in its text form, either case.
    public static var uuid: FieldType {
        FieldType<String> { value, pointer, errors in
            guard let text = value.string else {
                wrongType(value, pointer, errors, expected: "a UUID")
                return nil
            }
            return text
        }.map(orSay: "must be a UUID") { UUID(uuidString: $0) }
    }
}

extension FieldType where Value == Date {
    /// An RFC 3339 instant such as `2026-11-22T21:01:19.123Z`.
    public static var instant: FieldType {
        FieldType<String>.string(length: 0...64).map(
            orSay: "must be an RFC 3339 date-time such as \"2026-11-22T21:01:19Z\""
        ) { Timestamp.parse($0) }
    }
}

extension FieldType where Value == LocalDay {
    /// A calendar date such as `2026-11-22`.
    public static var day: FieldType {
        FieldType<String>.string(length: 0...32).map(orSay: "must be a date such as \"2026-11-22\"") { LocalDay($0) }
    }
}

extension FieldType where Value: RawRepresentable & CaseIterable & Sendable, Value.RawValue == String {
    /// One of an enumeration's raw values.
    public static func enumeration(_ type: Value.Type = Value.self) -> FieldType {
        let choices = Array(Value.allCases)
        return FieldType { value, pointer, errors in
            var allowed: String { choices.map { "\"\($0.rawValue)\"" }.joined(separator: ", ") }
            guard let text = value.string else {
                wrongType(value, pointer, errors, expected: "one of \(allowed)")
                return nil
            }
            guard let choice = choices.first(where: { $0.rawValue == text }) else {
                errors.add(pointer, "not-allowed", "must be one of \(allowed)")
                return nil
            }
            return choice
        }
    }
}

extension FieldType {
    /// An array of that many elements, each of the type; one wrong element makes the whole nil, all are reported.
    public static func array<Element>(
        of element: FieldType<Element>, count: ClosedRange<Int> = 0...1_000
    ) -> FieldType where Value == [Element] {
        FieldType { value, pointer, errors in
            guard case .array(let values) = value else {
                wrongType(value, pointer, errors, expected: "an array")
                return nil
            }
            guard values.count >= count.lowerBound else {
                errors.add(pointer, "too-few", "must have at least \(count.lowerBound) elements, has \(values.count)")
                return nil
            }
            guard values.count <= count.upperBound else {
                errors.add(pointer, "too-many", "must have at most \(count.upperBound) elements, has \(values.count)")
                return nil
            }
            var elements: [Element] = []
            elements.reserveCapacity(values.count)
            for (index, value) in values.enumerated() {
                if let read = element.read(value, JSONPointer.element(index, of: pointer), errors) {
                    elements.append(read)
                }
            }
            return elements.count == values.count ? elements : nil
        }
    }
}
