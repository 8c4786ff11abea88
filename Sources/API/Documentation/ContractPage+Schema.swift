import Core
import Reports

extension ContractPage {
    /// What kind of value a schema describes, in a few words, with links to schemas that have a name.
    func kind(_ schema: JSON) -> String {
        if let name = Self.name(schema) { return "<a href=\"#schema-\(name)\">\(name)</a>" }
        for choice in ["anyOf", "oneOf"] {
            if let parts = schema[choice]?.array { return parts.map(kind).joined(separator: " or ") }
        }
        if let parts = schema["allOf"]?.array { return parts.map(kind).joined(separator: " with ") }
        let types = schema["type"]?.array?.compactMap(\.string) ?? [schema["type"]?.string].compactMap(\.self)
        let named = types.map { type in
            switch type {
            case "array": "array of " + (schema["items"].map(kind) ?? "anything")
            case "object":
                schema["additionalProperties"]?.object.map { "object of " + kind(.object($0)) } ?? "object"
            default: type
            }
        }
        let format = schema["format"]?.string.map { " (\(HTML.escape($0)))" } ?? ""
        return (named.isEmpty ? "any value" : named.joined(separator: " or ")) + format + values(schema)
            + limits(schema)
    }

    /// The members of an object as a table, those of its parts included; empty when it has none.
    func members(_ schema: JSON) -> String {
        let parts = flattened(schema)
        let required = Set(parts.flatMap { $0["required"]?.array?.compactMap(\.string) ?? [] })
        let rows = parts.flatMap { ($0["properties"]?.object ?? [:]).elements }.map { name, property in
            let mark = required.contains(name) ? "<span class=\"required\">required</span>" : ""
            return """
                <tr><td><code>\(HTML.escape(name))</code>\(mark)</td><td>\(kind(property))</td>
                <td>\(Prose.html(property["description"]?.string))</td></tr>
                """
        }
        if rows.isEmpty { return "" }
        let head = "<thead><tr><th>member</th><th>type</th><th>meaning</th></tr></thead>"
        return "<table>\(head)<tbody>\(rows.joined())</tbody></table>"
    }

    /// The alternatives of a schema that is one of several.
    func alternatives(_ schema: JSON) -> String {
        guard let parts = schema["oneOf"]?.array ?? schema["anyOf"]?.array else { return "" }
        return "<p>One of \(parts.map(kind).joined(separator: ", ")).</p>"
    }

    private func flattened(_ schema: JSON) -> [JSON] {
        guard let parts = schema["allOf"]?.array else { return [schema] }
        return parts.map(resolved).flatMap(flattened)
    }

    private static func name(_ schema: JSON) -> String? {
        schema["$ref"]?.string.flatMap { $0.split(separator: "/").last.map(String.init) }
    }

    private func values(_ schema: JSON) -> String {
        let all = schema["enum"]?.array ?? schema["const"].map { [$0] } ?? []
        if all.isEmpty { return "" }
        return ": " + all.map { "<code>\(HTML.escape($0.string ?? $0.text))</code>" }.joined(separator: " ")
    }

    private func limits(_ schema: JSON) -> String {
        let texts = [
            ("minimum", "at least"), ("maximum", "at most"), ("minLength", "characters from"),
            ("maxLength", "characters to"), ("minItems", "items from"), ("maxItems", "items to"),
            ("default", "default"),
            ("pattern", "matches"),
        ].compactMap { name, text in
            schema[name].map { "\(text) <code>\(HTML.escape($0.string ?? $0.text))</code>" }
        }
        return texts.isEmpty ? "" : "<br><span class=\"quiet\">\(texts.joined(separator: ", "))</span>"
    }
}
