import Core
import Reports

/// `/docs`: the contract as one page of HTML that needs neither script nor any other request. Every operation and schema
/// has an anchor of its name.
struct ContractPage {
    let document: JSON

    init(_ document: JSON) { self.document = document }

    static let methods = ["get", "put", "post", "patch", "delete"]

    var html: String {
        let title = document["info"]?["title"]?.string ?? "API"
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>\(HTML.escape(title)) API</title>
            <meta name="viewport" content="width=device-width, initial-scale=1"><style>\(ContractStyle.css)</style></head>
            <body>
            \(navigation)
            <main>
            \(introduction)
            \(document["tags"]?.array?.map(section).joined() ?? "")
            \(schemas)
            </main></body></html>

            """
    }

    /// An operation with where it stands.
    struct Operation {
        let path: String
        let method: String
        let json: JSON

        var id: String { json["operationId"]?.string ?? "" }
    }

    private func operations(_ tag: String) -> [Operation] {
        (document["paths"]?.object ?? [:]).elements.flatMap { path, item in
            Self.methods.compactMap { method in
                guard let json = item[method], json["tags"]?[0]?.string == tag else { return nil }
                return Operation(path: path, method: method, json: json)
            }
        }
    }

    private var navigation: String {
        let tags = document["tags"]?.array ?? []
        let groups = tags.compactMap { $0["name"]?.string }.map { tag in
            let links = operations(tag).map {
                "<li><a href=\"#\($0.id)\">\(HTML.escape($0.json["summary"]?.string ?? $0.id))</a></li>"
            }
            return "<details><summary><a href=\"#tag-\(tag)\">\(tag)</a></summary><ul>\(links.joined())</ul></details>"
        }
        return """
            <nav aria-label="Operations"><strong>\(HTML.escape(document["info"]?["title"]?.string ?? ""))</strong>
            \(groups.joined(separator: "\n"))
            <p><a href="#schemas">schemas</a> · <a href="/problems">problems</a></p></nav>
            """
    }

    private var introduction: String {
        let info = document["info"] ?? .null
        let schemes = (document["components"]?["securitySchemes"]?.object ?? [:]).elements.map { name, scheme in
            "<tr id=\"key-\(name)\"><td><code>\(name)</code></td><td>\(Prose.html(scheme["description"]?.string))</td></tr>"
        }
        return """
            <h1>\(HTML.escape(info["title"]?.string ?? "")) <small>\(HTML.escape(info["version"]?.string ?? ""))</small></h1>
            <p>\(HTML.escape(info["summary"]?.string ?? ""))</p>
            \(Prose.html(info["description"]?.string))
            <p class="quiet">The same for tools: <a href="/openapi.yaml">openapi.yaml</a>,
            <a href="/openapi.json">openapi.json</a>.</p>
            <h4>Keys</h4><p>A key goes into <code>Authorization: Bearer …</code>.</p>
            <table><tbody>\(schemes.joined())</tbody></table>
            """
    }

    private func section(_ tag: JSON) -> String {
        let name = tag["name"]?.string ?? ""
        return """
            <section><h2 id="tag-\(name)">\(name)</h2>\(Prose.html(tag["description"]?.string))
            \(operations(name).map(article).joined(separator: "\n"))</section>
            """
    }

    private var schemas: String {
        let all = (document["components"]?["schemas"]?.object ?? [:]).elements.map { name, schema in
            """
            <article id="schema-\(name)"><h3>\(name)</h3>\(Prose.html(schema["description"]?.string))
            \(members(schema))\(alternatives(schema))\(examples(schema["examples"]?.array ?? []))</article>
            """
        }
        return "<section><h2 id=\"schemas\">schemas</h2>\(all.joined(separator: "\n"))</section>"
    }

    /// What a reference names, or the value itself.
    func resolved(_ json: JSON) -> JSON {
        var json = json
        while let reference = json["$ref"]?.string, reference.hasPrefix("#/") {
            json = reference.dropFirst(2).split(separator: "/").reduce(document) { node, part in
                node[String(part).replacing("~1", with: "/").replacing("~0", with: "~")] ?? .null
            }
        }
        return json
    }

    private func examples(_ values: [JSON]) -> String {
        values.map { "<h4>Example</h4>" + Self.code($0.indented) }.joined()
    }

    static func code(_ text: String) -> String { "<pre><code>\(HTML.escape(text))</code></pre>" }
}
