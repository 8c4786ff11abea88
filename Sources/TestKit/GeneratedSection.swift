import Foundation

/// A part of a document that a test writes and afterwards holds the document to.
public struct GeneratedSection: Sendable {
    private let file: URL
    private let name: String

    /// - Parameters:
    ///   - document: its path in the project.
    ///   - name: stands in `<!-- name -->` before and `<!-- end of name -->` behind the part.
    public init(_ document: String, _ name: String) {
        file = ProjectRoot.url.appending(path: document)
        self.name = name
    }

    /// Whether the document says this; with `SWITCHBOARD_WRITE_DOCS=1` it is made to.
    public func holds(_ text: String) throws -> Bool {
        let document = try String(contentsOf: file, encoding: .utf8)
        guard let start = document.range(of: "<!-- \(name) -->\n"),
            let end = document.range(of: "<!-- end of \(name) -->")
        else { return false }
        let part = start.upperBound..<end.lowerBound
        let wanted = "\n\(text.trimmingCharacters(in: .newlines))\n\n"
        if document[part] == wanted { return true }
        guard ProcessInfo.processInfo.environment["SWITCHBOARD_WRITE_DOCS"] == "1" else { return false }
        try document.replacingCharacters(in: part, with: wanted).write(to: file, atomically: true, encoding: .utf8)
        return true
    }
}
