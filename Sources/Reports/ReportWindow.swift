import Core
import Foundation

/// A half-open period of time and the zone whose days it is told in.
public struct ReportWindow: Sendable, Hashable {
    public let instants: Range<Date>
    public let zone: LocalZone

    /// The longest window: a year and a month to compare it with.
    public static let maximumDays = 400

    /// Any period, not empty; a scheduled one may begin or end between midnights after its workspace changed its zone.
    public init?(instants: Range<Date>, zone: LocalZone) {
        guard !instants.isEmpty else { return nil }
        self.instants = instants
        self.zone = zone
    }

    /// The days from `from` up to and without `to`.
    /// - Throws: `ReportParameterError`.
    public init(from: LocalDay, to: LocalDay, zone: LocalZone) throws(ReportParameterError) {
        let errors = FieldErrors()
        ReportParameters.order(from, to, errors)
        let window = zone.window(from: from, to: max(from, to))
        if errors.isEmpty, window.isEmpty { errors.add("/to", "out-of-range", "the zone skipped this day") }
        guard errors.isEmpty else { throw ReportParameterError(errors: errors.list) }
        instants = window
        self.zone = zone
    }

    /// The first and the last-but-excluded day, where the window begins and ends at local midnights.
    public var days: (from: LocalDay, to: LocalDay)? {
        let from = zone.day(at: instants.lowerBound)
        let to = zone.day(at: instants.upperBound)
        guard zone.start(of: from) == instants.lowerBound, zone.start(of: to) == instants.upperBound else { return nil }
        return (from, to)
    }

    var json: JSON { ["from": .instant(instants.lowerBound), "to": .instant(instants.upperBound)] }
}

/// Parameters of a report that do not make one; every wrong one at once.
public struct ReportParameterError: Error, Sendable, CustomStringConvertible {
    /// Pointers are `/from`, `/to`, `/time_zone`, `/group_by`.
    public let errors: [FieldError]

    public var description: String {
        errors.map { "\($0.pointer.dropFirst()): \($0.detail)" }.joined(separator: "\n")
    }
}

/// What somebody asks a report for, as text.
public struct ReportParameters: Sendable, Hashable {
    /// Days such as `2026-11-01`; `to` is excluded.
    public var from: String?
    public var to: String?
    /// An IANA name; nil is the workspace's.
    public var timeZone: String?
    /// Nil is the job's first.
    public var groupBy: String?

    public init(from: String?, to: String?, timeZone: String? = nil, groupBy: String? = nil) {
        self.from = from
        self.to = to
        self.timeZone = timeZone
        self.groupBy = groupBy
    }

    /// The window and grouping that are meant.
    /// - Throws: `ReportParameterError` with every mistake.
    public func resolved(for job: Job, workspaceZone: String) throws(ReportParameterError) -> (
        ReportWindow, Job.Grouping
    ) {
        let errors = FieldErrors()
        let from = Self.day(self.from, "/from", errors)
        let to = Self.day(self.to, "/to", errors)
        let zone = LocalZone(identifier: timeZone ?? workspaceZone)
        if zone == nil {
            errors.add("/time_zone", "unknown-time-zone", "must be an IANA time zone such as “Europe/Madrid”")
        }
        let grouping = job.grouping(groupBy)
        if grouping == nil {
            errors.add(
                "/group_by", "not-allowed", "must be one of \(job.groupings.map(\.name).joined(separator: ", "))")
        }
        if let from, let to {
            // Without its zone the order of the days can be judged all the same.
            Self.order(from, to, errors)
            if errors.isEmpty, let zone, let grouping {
                return (try ReportWindow(from: from, to: to, zone: zone), grouping)
            }
        }
        throw ReportParameterError(errors: errors.list)
    }

    static func order(_ from: LocalDay, _ to: LocalDay, _ errors: FieldErrors) {
        if from >= to {
            errors.add("/to", "out-of-range", "must be after from (\(from)): the window ends before this day begins")
        } else if to.number - from.number > ReportWindow.maximumDays {
            errors.add("/to", "out-of-range", "a window has at most \(ReportWindow.maximumDays) days")
        }
    }

    private static func day(_ text: String?, _ pointer: String, _ errors: FieldErrors) -> LocalDay? {
        guard let text else {
            errors.add(pointer, "missing", "is required: a date such as 2026-11-01")
            return nil
        }
        guard let day = LocalDay(text) else {
            errors.add(pointer, "invalid-format", "must be a date such as 2026-11-01")
            return nil
        }
        return day
    }
}
