import Core

extension Report {
    /// `{job, window, time_zone, group_by, rows: [{group, measures}], total: {group: {}, measures}}`; seconds; a time
    /// without data is null, a measure without meaning in this grouping is absent.
    public var json: JSON {
        var members: [(String, JSON)] = [
            ("job", .string(job.name)), ("title", .string(job.title)), ("window", window.json),
        ]
        if let days = window.days {
            members += [("from", .string(days.from.description)), ("to", .string(days.to.description))]
        }
        members += [
            ("time_zone", .string(window.zone.identifier)), ("group_by", .string(grouping.name)),
            ("generated_at", .instant(generatedAt)), ("rows", .array(rows.map(json(of:)))), ("total", totalJSON),
        ]
        return JSON(fields: members)
    }

    func json(of row: Row) -> JSON {
        let group = zip(groupColumns, groupCells(of: row)).map { ($0, JSON.text($1)) }
        return ["group": JSON(fields: group), "measures": Self.json(of: row.values, measures)]
    }

    var totalJSON: JSON { ["group": [:], "measures": Self.json(of: total.values, job.measures)] }

    private static func json(of values: [Value], _ measures: [Job.Measure]) -> JSON {
        JSON(fields: zip(measures, values).map { ($0.name, $1.json) })
    }
}

extension Report.Value {
    var json: JSON {
        switch self {
        case .count(let count): .integer(count)
        case .number(let number): .number(number)
        case .none: .null
        }
    }

    /// Plain decimal digits with up to six of the fraction; empty without data.
    var text: String {
        switch self {
        case .count(let count): return String(count)
        case .none: return ""
        case .number(let number):
            // Beyond 2^53 / 10^6 a double has no microseconds to show.
            guard abs(number) < 9e9 else { return String(number) }
            let micros = Int64((number * 1_000_000).rounded())
            var digits = String(micros.magnitude)
            digits = String(repeating: "0", count: max(0, 7 - digits.count)) + digits
            var fraction = digits.suffix(6)
            while fraction.last == "0" { fraction.removeLast() }
            let whole = digits.dropLast(6)
            return (micros < 0 ? "-" : "") + whole + (fraction.isEmpty ? "" : ".\(fraction)")
        }
    }
}
