import Foundation

/// Text as comparisons see it: without case and without diacritics, in UTF-8. `Überweisung`, `ÜBERWEISUNG` and
/// `uberweisung` are one.
///
/// Folding costs more than comparing, so it is done once: for a condition's values when the definition is parsed, for a
/// contact's message once per run and batch. Marks are taken off Latin, Greek, Cyrillic, Arabic and Hebrew letters,
/// where they modify a letter; in scripts where they are letters of their own they stay.
public struct FoldedText: Sendable, Hashable {
    let bytes: [UInt8]

    /// Folds the text.
    public init(_ text: String) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x41...0x5A: bytes.append(UInt8(scalar.value) | 0x20)
            case 0..<0x80: bytes.append(UInt8(scalar.value))
            case 0x80..<UInt32(Self.tableEnd): Self.append(Self.table[Int(scalar.value) - 0x80], to: &bytes)
            // Most of what is written beyond the table has no case: kana, Han, Hangul, emoji.
            case 0x3000...0xA63F, 0xAC00...0xD7FF, 0x1F000...0x10FFFF: Self.append([scalar], to: &bytes)
            default: Self.append(Self.fold(scalar), to: &bytes)
            }
        }
        self.bytes = bytes
    }

    /// Whether nothing is left.
    public var isEmpty: Bool { bytes.isEmpty }

    /// Whether the other text occurs somewhere in this one; the empty text occurs everywhere.
    public func contains(_ other: FoldedText) -> Bool {
        guard let first = other.bytes.first else { return true }
        guard other.bytes.count <= bytes.count else { return false }
        return bytes.withUnsafeBufferPointer { text in
            other.bytes.withUnsafeBufferPointer { wanted in
                let last = text.count - wanted.count
                var start = 0
                while start <= last {
                    if text[start] == first {
                        var length = 1
                        while length < wanted.count, text[start + length] == wanted[length] { length += 1 }
                        if length == wanted.count { return true }
                    }
                    start += 1
                }
                return false
            }
        }
    }

    // MARK: Folding one scalar

    private static let tableEnd = 0x2000

    /// What each scalar from U+0080 becomes; empty for a mark that goes away.
    private static let table: [[Unicode.Scalar]] = (0x80..<tableEnd).map { value in
        Unicode.Scalar(UInt32(value)).map(fold) ?? []
    }

    private static func append(_ scalars: [Unicode.Scalar], to bytes: inout [UInt8]) {
        for scalar in scalars {
            if let encoded = UTF8.encode(scalar) { bytes.append(contentsOf: encoded) }
        }
    }

    private static func fold(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        if isRemovableMark(scalar) { return [] }
        switch scalar {
        // Letters whose stroke, ligature or form is not a combining mark to Unicode but is one to who types quickly.
        case "ß", "ẞ": return ["s", "s"]
        case "æ", "Æ": return ["a", "e"]
        case "œ", "Œ": return ["o", "e"]
        case "ø", "Ø": return ["o"]
        case "đ", "Đ": return ["d"]
        case "ł", "Ł": return ["l"]
        case "ħ", "Ħ": return ["h"]
        case "ı": return ["i"]
        case "ς": return ["σ"]
        default: break
        }
        var scalars = [scalar]
        if hasRemovableMarks(scalar) {
            scalars = String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars.filter { !isRemovableMark($0) }
        }
        return scalars.flatMap { scalar in
            scalar.properties.changesWhenLowercased
                ? scalar.properties.lowercaseMapping.unicodeScalars.filter { !isRemovableMark($0) } : [scalar]
        }
    }

    private static func isRemovableMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x300...0x36F, 0x483...0x487, 0x591...0x5BD, 0x5BF, 0x5C1...0x5C2, 0x5C4...0x5C5, 0x5C7, 0x610...0x61A,
            0x640, 0x64B...0x65F, 0x670, 0x1AB0...0x1AFF, 0x1DC0...0x1DFF, 0x20D0...0x20FF, 0xFE00...0xFE0F,
            0xFE20...0xFE2F:
            true
        default: false
        }
    }

    private static func hasRemovableMarks(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xC0...0x24F, 0x370...0x52F, 0x622...0x6D3, 0x1E00...0x1FFF, 0x212A...0x212B: true
        default: false
        }
    }
}
