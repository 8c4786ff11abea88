import Core
import Reports

/// The little of Markdown that descriptions use (paragraphs, lists, code) as HTML.
enum Prose {
    static func html(_ text: String?) -> String {
        guard let text else { return "" }
        let blocks = text.split(separator: "\n", omittingEmptySubsequences: false)
            .split { $0.allSatisfy(\.isWhitespace) }
        return blocks.map { block in
            guard block.first?.hasPrefix("- ") == true else {
                return "<p>\(inline(block.joined(separator: " ")))</p>"
            }
            // A line that begins no item goes on with the one before.
            let items = block.reduce(into: [String]()) { items, line in
                if line.hasPrefix("- ") {
                    items.append(String(line.dropFirst(2)))
                } else {
                    items[items.count - 1] += " " + String(line.drop(while: \.isWhitespace))
                }
            }
            return "<ul>" + items.map { "<li>\(inline($0))</li>" }.joined() + "</ul>"
        }.joined()
    }

    /// Every second part between backticks is code.
    private static func inline(_ text: String) -> String {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated().map { index, part in
            index.isMultiple(of: 2) ? HTML.escape(String(part)) : "<code>\(HTML.escape(String(part)))</code>"
        }.joined()
    }
}

extension JSON {
    /// The value as text for people: a member a line.
    var indented: String { indented("") }

    private func indented(_ margin: String) -> String {
        let inner = margin + "  "
        switch self {
        case .array(let elements) where !elements.isEmpty:
            return "[\n" + elements.map { inner + $0.indented(inner) }.joined(separator: ",\n") + "\n\(margin)]"
        case .object(let members) where !members.isEmpty:
            let lines = members.map { "\(inner)\(JSON.string($0).text): \($1.indented(inner))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(margin)}"
        default: return text
        }
    }
}
