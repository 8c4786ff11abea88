import Core
import Foundation
import Store

/// A report that stands in one file of the jobs folder: what it measures, how it may be grouped, and its one SELECT.
public struct Job: Sendable, Hashable {
    /// A way to group the rows.
    public struct Grouping: Sendable, Hashable {
        public let name: String
        /// Whether groups have an id and a name (`team`), or are their own name (`source`).
        public let isNamed: Bool
    }

    /// One column of numbers.
    public struct Measure: Sendable, Hashable {
        public enum Kind: String, Sendable, CaseIterable {
            /// A whole number, never null.
            case count
            /// A duration in seconds; null without data.
            case seconds
            /// Any number; null without data.
            case number
        }

        public let name: String
        public let kind: Kind
        /// Groupings in which it has no meaning, so that it is left out of their rows. The total has it always.
        public let absentFrom: Set<String>
    }

    /// What the SELECT may ask for as `:name`.
    public enum Parameter: String, Sendable, CaseIterable {
        case workspace = "workspace_id"
        case from
        case to
        case timeZone = "time_zone"
        case grouping = "group_by"
    }

    public let name: String
    public let title: String
    public let description: String
    /// Seconds after local midnight at which the day before is reported; nil runs on demand only.
    public let schedule: Int?
    /// The first is the default.
    public let groupings: [Grouping]
    public let measures: [Measure]
    /// The SELECT with `$1`, `$2` … in place of `parameters`.
    public let sql: String
    public let parameters: [Parameter]

    /// The grouping of that name, the default for nil; nil when the job has no such grouping.
    public func grouping(_ name: String?) -> Grouping? {
        guard let name else { return groupings.first }
        return groupings.first { $0.name == name }
    }

    /// The measures that rows of this grouping have, in the file's order.
    public func measures(by grouping: Grouping) -> [Measure] {
        measures.filter { !$0.absentFrom.contains(grouping.name) }
    }

    func query(workspace: UUID, window: ReportWindow, grouping: Grouping) -> JobQuery {
        JobQuery(
            name: "\(name)_by_\(grouping.name)", sql: sql,
            arguments: parameters.map { parameter in
                switch parameter {
                case .workspace: .id(workspace)
                case .from: .instant(window.instants.lowerBound)
                case .to: .instant(window.instants.upperBound)
                case .timeZone: .text(window.zone.identifier)
                case .grouping: .text(grouping.name)
                }
            })
    }
}

/// What is wrong with a job file, and where.
public struct JobProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file's name without its folder.
    public let file: String
    /// From 1; nil means the whole file.
    public let line: Int?
    public let reason: String

    public var description: String { "\(file)\(line.map { ":\($0)" } ?? ""): \(reason)" }
}
