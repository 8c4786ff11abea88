import TextForms

/// Where a piece of work belongs in a distributed trace (W3C Trace Context, level 1): taken from the caller where it is
/// valid, carried with what the call causes, and handed on with a span of our own.
public struct TraceContext: Sendable, Hashable {
    /// 32 hexadecimal digits in lower case, not all zero.
    public let traceID: String
    /// The span that is going on: 16 hexadecimal digits in lower case, not all zero.
    public let spanID: String
    /// Whether the caller may have recorded its part.
    public let isSampled: Bool
    /// What vendors carry along, as it came; nil when there is nothing.
    public let state: String?

    /// The context of the current task's request; nil outside of one.
    @TaskLocal public static var current: TraceContext?

    private init(traceID: String, spanID: String, isSampled: Bool, state: String?) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.state = state
    }

    /// A trace that begins here. It is marked as recorded: its id is in our log.
    public init() {
        self.init(
            traceID: Self.identifier(words: 2), spanID: Self.identifier(words: 1), isSampled: true, state: nil)
    }

    /// As headers say it; nil when `traceparent` is not valid, and then `tracestate` means nothing either.
    ///
    /// - Parameters:
    ///   - parent: `traceparent`, which stands once.
    ///   - state: every `tracestate`, in order. One that is not valid is dropped alone.
    public init?(parent: String, state: [String] = []) {
        let bytes = Array(parent.utf8)
        // 2 digits of version, 32 of trace, 16 of parent, 2 of flags. A later version may add more behind a hyphen.
        guard bytes.count >= 55, [2, 35, 52].allSatisfy({ bytes[$0] == UInt8(ascii: "-") }) else { return nil }
        let fields = [bytes[0..<2], bytes[3..<35], bytes[36..<52], bytes[53..<55]]
        guard fields.allSatisfy({ $0.allSatisfy(Self.isDigit) }) else { return nil }
        let version = String(decoding: fields[0], as: UTF8.self)
        guard version != "ff", bytes.count == 55 || (version != "00" && bytes[55] == UInt8(ascii: "-")),
            fields[1...2].allSatisfy({ $0.contains { $0 != UInt8(ascii: "0") } }),
            let flags = UInt8(String(decoding: fields[3], as: UTF8.self), radix: 16)
        else { return nil }
        self.init(
            traceID: String(decoding: fields[1], as: UTF8.self), spanID: String(decoding: fields[2], as: UTF8.self),
            isSampled: flags & 1 == 1, state: Self.valid(state))
    }

    /// From ``text``.
    public init?(text: String) {
        let parts = text.split(separator: " ", maxSplits: 1)
        guard let parent = parts.first else { return nil }
        self.init(parent: String(parent), state: parts.dropFirst().map(String.init))
    }

    /// The same trace with a new span: what somebody who is called is told.
    public func child() -> TraceContext {
        TraceContext(traceID: traceID, spanID: Self.identifier(words: 1), isSampled: isSampled, state: state)
    }

    /// The header `traceparent`.
    public var parent: String { "00-\(traceID)-\(spanID)-\(isSampled ? "01" : "00")" }

    /// Both headers in one text, as a row keeps it.
    public var text: String { state.map { "\(parent) \($0)" } ?? parent }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// Members `key=value` with commas between, at most 32 and 512 characters: what a vendor has to pass on.
    private static func valid(_ values: [String]) -> String? {
        let members = values.flatMap { $0.split(separator: ",") }
            .map { $0.drop { $0 == " " || $0 == "\t" } }
            .map { String($0.reversed().drop { $0 == " " || $0 == "\t" }.reversed()) }
            .filter { !$0.isEmpty }
        var keys: Set<Substring> = []
        let areValid = members.allSatisfy { member in
            let parts = member.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 && isKey(parts[0]) && isValue(parts[1]) && keys.insert(parts[0]).inserted
        }
        let text = members.joined(separator: ",")
        return areValid && (1...32).contains(members.count) && text.utf8.count <= 512 ? text : nil
    }

    private static func isKey(_ text: Substring) -> Bool {
        guard (1...256).contains(text.utf8.count), let first = text.utf8.first,
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) || (0x30...0x39).contains(first)
        else { return false }
        return text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (0x30...0x39).contains(byte)
                || "_-*/@".utf8.contains(byte)
        }
    }

    /// Printable ASCII without the comma and the equals sign.
    private static func isValue(_ text: Substring) -> Bool {
        (1...256).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }
    }

    private static func identifier(words: Int) -> String {
        String(unsafeUninitializedCapacity: words * 16) { text in
            for word in 0..<words {
                // Never all zero: that would be no id.
                let value = UInt64.random(in: 1 ... .max)
                for index in 0..<16 {
                    let digit = UInt8(truncatingIfNeeded: value >> UInt64(60 - index * 4)) & 15
                    text[word * 16 + index] = Hexadecimal.digit(digit)
                }
            }
            return words * 16
        }
    }
}
