import Core

/// How a report is written.
public enum ReportFormat: String, Sendable, CaseIterable {
    case csv, json, html

    /// For `Content-Type`.
    public var mediaType: String {
        switch self {
        case .csv: "text/csv; charset=utf-8"
        case .json: "application/json"
        case .html: "text/html; charset=utf-8"
        }
    }
}

extension Report {
    /// The report as a document in UTF-8.
    public func rendered(as format: ReportFormat) -> [UInt8] {
        switch format {
        case .csv: Array(csv.utf8)
        case .json: json.serialized() + [UInt8(ascii: "\n")]
        case .html: Array(html.utf8)
        }
    }

    /// Column names, then a line for each row and the total; `row` tells them apart. An absent measure is an empty cell.
    private var table: (columns: [String], lines: [[Cell]]) {
        let columns = ["row"] + groupColumns + job.measures.map(\.name)
        var lines = rows.map { row -> [Cell] in
            let values = Dictionary(zip(measures.map(\.name), row.values), uniquingKeysWith: { first, _ in first })
            return [.text("group")] + groupCells(of: row).map { .text($0 ?? "") }
                + job.measures.map { .number(values[$0.name]?.text ?? "") }
        }
        lines.append(
            [.text("total")] + groupColumns.map { _ in .text("") } + total.values.map { .number($0.text) })
        return (columns, lines)
    }

    private enum Cell {
        case text(String)
        case number(String)
    }

    /// RFC 4180: CRLF, quotation marks where needed.
    var csv: String {
        let (columns, lines) = table
        var text = columns.map(CSV.text).joined(separator: ",") + "\r\n"
        for line in lines {
            let cells = line.map { cell in
                switch cell {
                case .text(let value): CSV.text(value)
                case .number(let value): value
                }
            }
            text += cells.joined(separator: ",") + "\r\n"
        }
        return text
    }

    /// One page with one table; every text is escaped.
    var html: String {
        let (columns, lines) = table
        let days = window.days.map { "\($0.from) – \($0.to)" } ?? ""
        var text = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>\(HTML.escape(job.title))</title>
            <style>body{font-family:sans-serif}table{border-collapse:collapse}th,td{padding:.2em .6em;border:1px solid #ccc}
            td.n{text-align:right}tr.total{font-weight:bold}</style></head><body>
            <h1>\(HTML.escape(job.title))</h1>
            <p>\(HTML.escape(job.description)) \(HTML.escape(days)) \(HTML.escape(window.zone.identifier))</p>
            <table><thead><tr>

            """
        text += columns.map { "<th>\(HTML.escape($0))</th>" }.joined() + "</tr></thead><tbody>\n"
        for (index, line) in lines.enumerated() {
            text += index == lines.count - 1 ? "<tr class=\"total\">" : "<tr>"
            for cell in line {
                switch cell {
                case .text(let value): text += "<td>\(HTML.escape(value))</td>"
                case .number(let value): text += "<td class=\"n\">\(HTML.escape(value))</td>"
                }
            }
            text += "</tr>\n"
        }
        return text + "</tbody></table></body></html>\n"
    }
}

/// Cells of a CSV file that a spreadsheet may open.
enum CSV {
    /// A text cell. What a spreadsheet would take for a formula gets a leading apostrophe: names come from people.
    static func text(_ value: String) -> String {
        var value = value
        if let first = value.unicodeScalars.first, "=+-@\t\r\n".unicodeScalars.contains(first) { value = "'" + value }
        // By scalars: as characters CR and LF together are one that is neither.
        guard value.unicodeScalars.contains(where: { "\",\r\n".unicodeScalars.contains($0) }) else { return value }
        return "\"" + value.replacing("\"", with: "\"\"") + "\""
    }
}

public enum HTML {
    /// The text as it may stand between tags and in quoted attributes.
    public static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
