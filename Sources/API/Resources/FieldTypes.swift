import Core
import Foundation

extension FieldType where Value == String {
    /// A name that people read: 1 to 200 characters, not only spaces.
    static var name: FieldType {
        FieldType.string(length: 1...200).map(orSay: "must not consist of spaces and line ends only") { text in
            text.contains { !$0.isWhitespace } ? text : nil
        }
    }

    /// An e-mail address, as far as one can tell by looking at it.
    static var email: FieldType {
        FieldType.string(length: 3...254).map(orSay: "must be an e-mail address such as \"ana@example.com\"") { text in
            let parts = text.split(separator: "@", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, isOneWord(text) else { return nil }
            return text
        }
    }

    /// A telephone number: digits with the usual separators, `+` only in front. Kept as it is written.
    static var phone: FieldType {
        FieldType.string(length: 3...40).map(orSay: "must be a telephone number such as \"+34600111222\"") { text in
            var rest = Substring(text)
            if rest.first == "+" { rest = rest.dropFirst() }
            guard rest.utf8.allSatisfy({ isDigit($0) || " -.()/".utf8.contains($0) }),
                rest.utf8.filter(isDigit).count >= 3
            else { return nil }
            return text
        }
    }

    /// A language tag (BCP 47): `en`, `pt-BR`.
    static var language: FieldType {
        FieldType.string(length: 2...35).map(orSay: "must be a language tag such as \"es\" or \"pt-BR\"") { text in
            let parts = text.split(separator: "-", omittingEmptySubsequences: false)
            guard let first = parts.first, (2...8).contains(first.utf8.count), first.utf8.allSatisfy(isLetter) else {
                return nil
            }
            for part in parts.dropFirst() {
                guard (1...8).contains(part.utf8.count), part.utf8.allSatisfy({ isLetter($0) || isDigit($0) }) else {
                    return nil
                }
            }
            return text
        }
    }

    /// A tag: 1 to 100 characters, no space around it.
    static var tag: FieldType {
        FieldType.string(length: 1...100).map(orSay: "must not begin or end with a space") { text in
            text.first?.isWhitespace == true || text.last?.isWhitespace == true ? nil : text
        }
    }

    /// Where a custom channel is sent its messages: http or https with a host, without credentials and fragment.
    static var url: FieldType {
        let rule = "must be an http or https URL with a host, without user, password and fragment"
        return FieldType.string(length: 8...2_000).map(orSay: rule) { text in
            guard isOneWord(text), text.utf8.allSatisfy({ $0 < 0x80 }), let parts = URLComponents(string: text),
                let scheme = parts.scheme?.lowercased(), scheme == "http" || scheme == "https",
                let host = parts.host, !host.isEmpty, parts.user == nil, parts.password == nil, parts.fragment == nil
            else { return nil }
            return text
        }
    }

    /// An IANA time zone; abbreviations and offsets are none. The database is asked as well.
    static var timeZone: FieldType {
        FieldType.string(length: 1...64).map(orSay: "must be an IANA time zone such as \"Europe/Madrid\"") { text in
            LocalZone(identifier: text) == nil ? nil : text
        }
    }
}

private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

private func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

/// Neither white space nor control characters.
private func isOneWord(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0.properties.generalCategory != .control }
}
