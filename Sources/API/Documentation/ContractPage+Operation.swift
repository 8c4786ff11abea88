import Core
import Reports

extension ContractPage {
    /// One operation: what it is for, what it takes, what it answers, and how to call it.
    func article(_ operation: Operation) -> String {
        let json = operation.json
        return """
            <article id="\(operation.id)"><h3><a href="#\(operation.id)">\(HTML.escape(json["summary"]?.string ?? ""))</a></h3>
            <p class="call"><span class="method \(operation.method)">\(operation.method)</span>\(HTML.escape(operation.path))</p>
            \(Prose.html(json["description"]?.string))
            <p class="quiet"><code>\(operation.id)</code> · \(keys(json))</p>
            \(parameters(json))\(requestBody(json))\(responses(json))
            <h4>Call</h4>\(Self.code(curl(operation)))</article>
            """
    }

    private func keys(_ operation: JSON) -> String {
        let names =
            (operation["security"] ?? document["security"])?.array?.flatMap { Array(($0.object ?? [:]).keys) } ?? []
        if names.isEmpty { return "needs no key" }
        return names.map { "<a href=\"#key-\($0)\">\($0)</a>" }.joined(separator: " or ")
    }

    private func parameters(_ operation: JSON) -> String {
        let rows = (operation["parameters"]?.array ?? []).map(resolved).map { parameter in
            let required = parameter["required"]?.bool == true ? "<span class=\"required\">required</span>" : ""
            return """
                <tr><td><code>\(HTML.escape(parameter["name"]?.string ?? ""))</code>\(required)</td>
                <td>\(parameter["in"]?.string ?? "")</td><td>\(kind(parameter["schema"] ?? .null))</td>
                <td>\(Prose.html(parameter["description"]?.string))</td></tr>
                """
        }
        if rows.isEmpty { return "" }
        let head = "<thead><tr><th>name</th><th>in</th><th>type</th><th>meaning</th></tr></thead>"
        return "<h4>Parameters</h4><table>\(head)<tbody>\(rows.joined())</tbody></table>"
    }

    private func requestBody(_ operation: JSON) -> String {
        guard let body = operation["requestBody"].map(resolved) else { return "" }
        let contents = (body["content"]?.object ?? [:]).elements.map { media, content in
            let schema = content["schema"] ?? .null
            return "<p><code>\(media)</code> \(kind(schema))</p>\(members(resolved(schema)))"
                + (example(of: content).map { Self.code($0.indented) } ?? "")
        }
        return "<h4>Body</h4>\(Prose.html(body["description"]?.string))\(contents.joined())"
    }

    private func responses(_ operation: JSON) -> String {
        let all = (operation["responses"]?.object ?? [:]).elements.map { ($0, resolved($1)) }
        let rows = all.map { status, response in
            let kinds = (response["content"]?.object ?? [:]).elements.map { media, content in
                "<code>\(media)</code> \(kind(content["schema"] ?? .null))"
            }
            let headers = (response["headers"]?.object ?? [:]).keys.map { "<code>\($0)</code>" }
            return """
                <tr><td><strong>\(status)</strong></td><td>\(Prose.html(response["description"]?.string))</td>
                <td>\(kinds.joined(separator: "<br>"))</td><td class="quiet">\(headers.joined(separator: " "))</td></tr>
                """
        }
        let head = "<thead><tr><th>status</th><th>meaning</th><th>body</th><th>headers</th></tr></thead>"
        let examples = all.filter { $0.0.hasPrefix("2") }.flatMap { status, response in
            (response["content"]?.object ?? [:]).elements.compactMap { media, content in
                example(of: content).map { value in
                    "<details><summary>\(status) \(media)</summary>\(Self.code(value.string ?? value.indented))</details>"
                }
            }
        }
        return "<h4>Answers</h4><table>\(head)<tbody>\(rows.joined())</tbody></table>\(examples.joined())"
    }

    private func example(of content: JSON) -> JSON? {
        content["example"] ?? content["examples"]?.object?.values.first.map(resolved)?["value"]
    }

    /// A line for the shell, with the document's examples in place of parameters.
    private func curl(_ operation: Operation) -> String {
        var path = operation.path
        var query: [String] = []
        for parameter in (operation.json["parameters"]?.array ?? []).map(resolved) {
            guard let name = parameter["name"]?.string, let value = parameter["example"] else { continue }
            let text = value.string ?? value.text
            switch parameter["in"]?.string {
            case "path": path = path.replacing("{\(name)}", with: text)
            case "query" where parameter["required"]?.bool == true: query.append("\(name)=\(text)")
            default: break
            }
        }
        let base = document["servers"]?[0]?["url"]?.string ?? ""
        let address = base + path + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
        var lines = ["curl -sS -X \(operation.method.uppercased()) '\(address)'"]
        let needsKey = (operation.json["security"] ?? document["security"])?.array?.isEmpty == false
        if needsKey { lines.append("-H \"Authorization: Bearer $SWITCHBOARD_KEY\"") }
        if let (media, content) = operation.json["requestBody"].map(resolved)?["content"]?.object?.elements.first,
            let body = example(of: content)
        {
            lines.append("-H 'Content-Type: \(media)'")
            lines.append("-d '\(body.indented.replacing("'", with: "'\\''"))'")
        }
        return lines.joined(separator: " \\\n  ")
    }
}
