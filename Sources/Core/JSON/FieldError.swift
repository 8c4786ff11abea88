/// One thing that is wrong with a value somebody sent: where, which kind of mistake, and what to do about it.
public struct FieldError: Sendable, Hashable {
    /// JSON pointer (RFC 6901) of the offending value from the root of the document: `/steps/3/timeout`. For something
    /// that is missing, where it should stand.
    public let pointer: String
    /// The kind of mistake, stable for programs: `missing`, `wrong-type`, `unknown-field`, `too-long` …
    public let code: String
    /// For people; names what is allowed, never repeats long input.
    public let detail: String

    /// Names one mistake.
    public init(pointer: String, code: String, detail: String) {
        self.pointer = pointer
        self.code = code
        self.detail = detail
    }

    /// The error as a member of a problem document.
    public var json: JSON { ["pointer": .string(pointer), "code": .string(code), "detail": .string(detail)] }
}

/// Collects the mistakes that several readers find in one document, so that all of them can be told at once.
public final class FieldErrors {
    /// Mistakes kept. A body of some megabytes could hold hundreds of thousands, and its answer would be ten times as large.
    public static let maximum = 100

    /// In the order of finding.
    public private(set) var list: [FieldError] = []

    /// Nothing found yet.
    public init() {}

    /// Whether nothing was found.
    public var isEmpty: Bool { list.isEmpty }

    /// Whether further mistakes are not kept.
    public var isFull: Bool { list.count >= Self.maximum }

    /// Adds one mistake.
    public func add(_ pointer: String, _ code: String, _ detail: String) {
        add(FieldError(pointer: pointer, code: code, detail: detail))
    }

    /// Adds a mistake found elsewhere.
    public func add(_ error: FieldError) {
        if !isFull { list.append(error) }
    }
}

/// Building JSON pointers (RFC 6901).
public enum JSONPointer {
    /// The pointer to a member of the object at `base`.
    public static func member(_ name: String, of base: String) -> String {
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else {
            return "\(base)/\(name)"
        }
        var escaped = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "~": escaped += "~0"
            case "/": escaped += "~1"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return "\(base)/\(escaped)"
    }

    /// The pointer to an element of the array at `base`.
    public static func element(_ index: Int, of base: String) -> String { "\(base)/\(index)" }
}
