import Core
import Foundation
import Store

/// The rows of a job over a window, and their total, which is computed from the facts and not by adding.
public struct Report: Sendable {
    /// One value of a measure.
    public enum Value: Sendable, Hashable {
        case count(Int64)
        case number(Double)
        /// No data.
        case none
    }

    public struct Row: Sendable, Hashable {
        /// What the row is about; nil is what belongs to no group, and the total.
        public let id: String?
        /// The name of the time, the latest in the window.
        public let name: String?
        /// In the order of the report's measures.
        public let values: [Value]
    }

    public let job: Job
    public let window: ReportWindow
    public let grouping: Job.Grouping
    /// What the rows have; the total has all of the job's.
    public let measures: [Job.Measure]
    public let rows: [Row]
    public let total: Row
    public let generatedAt: Date

    /// Reads what the job's SELECT gave.
    /// - Throws: `ReportShapeError` when it does not give what the job's header says.
    init(job: Job, window: ReportWindow, grouping: Job.Grouping, table: JobTable, generatedAt: Date) throws {
        self.job = job
        self.window = window
        self.grouping = grouping
        self.generatedAt = generatedAt
        measures = job.measures(by: grouping)
        func column(_ name: String) throws -> Int {
            guard let index = table.columns.firstIndex(of: name) else {
                throw ReportShapeError(job: job.name, reason: "its SELECT gives no column “\(name)”")
            }
            return index
        }
        let isTotal = try column("is_total")
        let id = try column("group_id")
        let name = grouping.isNamed ? try column("group_name") : nil
        let cells = try job.measures.map { ($0, try column($0.name)) }
        let present = cells.filter { !$0.0.absentFrom.contains(grouping.name) }
        var rows: [Row] = []
        var total: Row?
        for cell in table.rows {
            func row(_ cells: [(Job.Measure, Int)]) throws -> Row {
                Row(
                    id: cell[id], name: name.flatMap { cell[$0] },
                    values: try cells.map { try Self.value(cell[$0.1], of: $0.0, job) })
            }
            if cell[isTotal] != "t" {
                rows.append(try row(present))
            } else if total == nil {
                total = try row(cells)
            } else {
                throw ReportShapeError(job: job.name, reason: "its SELECT gives several rows with is_total")
            }
        }
        guard let total else { throw ReportShapeError(job: job.name, reason: "its SELECT gives no row with is_total") }
        self.rows = rows
        self.total = total
    }

    private static func value(_ text: String?, of measure: Job.Measure, _ job: Job) throws -> Value {
        guard let text else {
            if measure.kind == .count {
                throw ReportShapeError(job: job.name, reason: "its count \(measure.name) is null")
            }
            return .none
        }
        if measure.kind == .count, let count = Int64(text) { return .count(count) }
        if measure.kind != .count, let number = Double(text), number.isFinite { return .number(number) }
        throw ReportShapeError(job: job.name, reason: "its \(measure.kind.rawValue) \(measure.name) is no number")
    }

    /// The names of the columns that say what a row is about.
    var groupColumns: [String] {
        grouping.isNamed ? ["\(grouping.name)_id", "\(grouping.name)_name"] : [grouping.name]
    }

    func groupCells(of row: Row) -> [String?] { grouping.isNamed ? [row.id, row.name] : [row.id] }
}

/// A job's SELECT does not give what the header of its file says.
public struct ReportShapeError: Error, Sendable, CustomStringConvertible {
    public let job: String
    public let reason: String
    public var description: String { "job \(job): \(reason)" }
}
