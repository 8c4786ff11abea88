import Postgres

/// A list and what it can be filtered by, each filter with values that have much, little and nothing. PlanTests asks for every
/// value and every pair. What conversations are filtered by is numbered here as `PlanCall` reads it.
struct PlanFilters {
    /// One setting of a filter: arguments by their number, in the words of `PlanArguments`.
    typealias Value = [Int: String]

    let statements: [String]
    /// Without a filter.
    let plain: String
    /// Values of one filter exclude each other.
    let filters: [[Value]]

    /// Every call: none of the filters, each value, each pair.
    func calls(_ library: StatementLibrary) throws -> [PlanCall] {
        try statements.flatMap { name in
            try settings.map { arguments in
                name.hasPrefix("conversation_list_")
                    ? try PlanCall(conversations: name, arguments, library) : try PlanCall(name, arguments, library)
            }
        }
    }

    private var settings: [[String]] {
        let plain = plain.split(separator: " ").map(String.init)
        func call(_ values: Value...) -> [String] {
            var call = plain
            for (number, word) in values.flatMap({ $0 }) { call[number - 1] = word }
            return call
        }
        var calls = [plain]
        for (index, filter) in filters.enumerated() {
            for value in filter {
                calls.append(call(value))
                for other in filters[(index + 1)...].joined() { calls.append(call(value, other)) }
            }
        }
        return calls
    }

    static let all: [PlanFilters] =
        [
            conversations("opened", ascending: true), conversations("opened", ascending: false),
            conversationsWithin("closed", ascending: true), conversationsWithin("closed", ascending: false),
            conversationsWithin("updated", ascending: true), conversationsWithin("updated", ascending: false),
            PlanFilters(
                statements: ["run_list"],
                plain: "W array['active','completed','failed','conversation_closed','stopped'] - 51 -",
                filters: [
                    ["active", "completed", "failed", "conversation_closed", "stopped"].map { [2: "array['\($0)']"] },
                    ["BUSYWORKFLOW", "SMALLWORKFLOW", "IDLEWORKFLOW"].map { [5: $0] }, [[3: "RUN"]],
                ]),
            PlanFilters(
                statements: ["run_list_filtered"], plain: "W - CONTACT - - - 51",
                filters: [
                    [[2: "BUSYWORKFLOW"], [2: "IDLEWORKFLOW"]], [[3: "NEW"]], [[4: "CONV"], [4: "NEW"]],
                    [[5: "'completed'"], [5: "'stopped'"]], [[6: "RUN"]],
                ]),
            PlanFilters(
                statements: ["agents_list"], plain: "W ZERO 51 - - -",
                filters: [
                    [[2: "AGENT"]], [[4: "'online'"], [4: "'away'"]],
                    [[5: "'a7@example.com'"], [5: "'none@example.com'"]],
                    [[6: "BUSYTEAM"], [6: "SMALLTEAM"], [6: "IDLETEAM"], [6: "NEW"]],
                ]),
            PlanFilters(
                statements: ["contacts_list_by_email"], plain: "W ZERO 51 EMAIL -",
                filters: [[[2: "CONTACT"]], [[4: "'none@example.com'"]], [[5: "PHONE"], [5: "'+1'"]]]),
            PlanFilters(
                statements: ["contacts_list_by_phone"], plain: "W ZERO 51 PHONE",
                filters: [[[2: "CONTACT"]], [[4: "'+1'"]]]),
            PlanFilters(
                statements: ["contacts_list_by_identity"], plain: "W ZERO 51 IDENTITYCHANNEL EXTERNAL - -",
                filters: [
                    [[4: "IDLECHANNEL"]], [[6: "EMAIL"], [6: "'none@example.com'"]], [[7: "PHONE"], [7: "'+1'"]],
                ]),
            PlanFilters(
                statements: ["workflow_list"], plain: "W - - 51",
                filters: [[[2: "'published'"], [2: "'draft'"]], [[3: "WORKFLOW"]]]),
            PlanFilters(
                statements: ["job_runs_list"], plain: "W - - - 51",
                filters: [
                    [[2: "'conversations'"], [2: "'none'"]],
                    [[3: "'completed'"], [3: "'failed'"], [3: "'pending'"], [3: "'running'"]], [[4: "JOBRUN"]],
                ]),
        ]

    private static let ofConversations: [[Value]] = [
        ["'open'", "'snoozed'", "'closed'"].map { [2: $0] },
        ["BUSYTEAM", "SECONDTEAM", "SMALLTEAM", "IDLETEAM", "NEW"].map { [3: $0] },
        ["BUSYAGENT", "SECONDAGENT", "SMALLAGENT", "DELETEDAGENT", "IDLEAGENT", "NEW"].map { [4: $0] }
            + [[5: "true"]],
        [[6: "true"], [6: "false"]],
        ["BUSYCHANNEL", "SECONDCHANNEL", "SMALLCHANNEL", "IDLECHANNEL", "NEW"].map { [7: $0] },
        [[8: "CONTACT"], [8: "NEW"]],
        ["'contact'", "'api'", "'workflow'", "'import'"].map { [9: $0] },
    ]

    /// Behind a position, which stands for its side of the window.
    private static func behind(_ ascending: Bool) -> [Value] {
        let position = [10: "-", 11: "-", 12: "MIDDLE", 13: "MIDDLECONV"]
        let other = ascending ? [11: "WEEKLATER"] : [10: "EARLY"]
        return [position, position.merging(other) { $1 }]
    }

    private static func conversations(_ time: String, ascending: Bool) -> PlanFilters {
        let windows: [Value] = [[10: "MIDDLE", 11: "DAYLATER"], [10: "LATELY"], [11: "EARLY"], [10: "FUTURE"]]
        return PlanFilters(
            statements: ["conversation_list_\(time)_\(ascending ? "asc" : "desc")"],
            plain: "W - - - - - - - - - - - - 51",
            filters: ofConversations + [windows + behind(ascending)])
    }

    /// The list goes by the time of its window: that is always one of the two.
    private static func conversationsWithin(_ time: String, ascending: Bool) -> PlanFilters {
        let windows: [Value] = [
            [11: "DAYLATER"], [11: "WEEKLATER"], [10: "LATELY"], [10: "EARLY"], [10: "-", 11: "EARLY"], [10: "FUTURE"],
        ]
        return PlanFilters(
            statements: ["conversation_list_\(time)_\(ascending ? "asc" : "desc")"],
            plain: "W - - - - - - - - MIDDLE - - - 51",
            filters: [windows + behind(ascending), Array(ofConversations.joined())])
    }
}
