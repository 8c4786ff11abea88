import TextForms

/// The query of a URL, decoded as HTML forms and URL libraries write it: `+` is a space.
struct QueryString: Sendable {
    /// In the order of the URL.
    let items: [(name: String, value: String)]

    /// - Throws: 400 `bad-query` when escapes are malformed, or decode to something other than UTF-8 text without NUL.
    init(_ text: String) throws(Problem) {
        var items: [(String, String)] = []
        for pair in text.split(separator: "&", omittingEmptySubsequences: true) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentDecoding.decode(parts[0], plusIsSpace: true), !name.isEmpty else {
                throw Problem(.badQuery, detail: "The name of a query parameter is not percent-encoded UTF-8.")
            }
            guard let value = PercentDecoding.decode(parts.count > 1 ? parts[1] : "", plusIsSpace: true) else {
                let item = ProblemItem(
                    .parameter(name), code: "invalid-encoding", detail: "must be percent-encoded UTF-8 without NUL")
                throw Problem(.badQuery, detail: "A query parameter cannot be decoded.", errors: [item])
            }
            items.append((name, value))
        }
        self.items = items
    }
}

/// Percent-decoding that refuses instead of repairing.
enum PercentDecoding {
    /// Nil for a malformed escape, invalid UTF-8 or NUL.
    static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(Hexadecimal.value),
                    let low = iterator.next().flatMap(Hexadecimal.value), high << 4 | low != 0
                else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
