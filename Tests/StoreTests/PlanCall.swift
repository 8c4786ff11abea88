import Core
import Foundation
import Postgres
import Store

/// One call of a statement, as the program would send it: of a template with the parts that these arguments ask for.
struct PlanCall {
    /// In `sql/queries`.
    let name: String
    let statement: Statement
    /// Words of `PlanArguments`.
    let arguments: [String]
    /// Whether a plan for all values serves it, on connections that have it so.
    let plan: Statement.Plan

    /// Of a template each part whose parameters are given is wanted.
    init(_ name: String, _ arguments: [String], _ library: StatementLibrary) throws {
        guard let template = library.template(name) else {
            let statement = try library.statement(name)
            self.init(name: name, statement: statement, arguments: arguments)
            return
        }
        let always = Set(try template.rendering([]).parameters)
        let parts = try template.words.filter { word in
            let own = Set(try template.rendering([word]).parameters).subtracting(always)
            return !own.isEmpty && own.allSatisfy { arguments[$0 - 1] != "-" }
        }
        try self.init(name, parts, .auto, arguments, library)
    }

    /// - Parameter arguments: workspace, status, team, agent, nobody's, waiting, channel, contact, source, from, to, time and id
    ///   of the position, limit.
    init(conversations name: String, _ arguments: [String], _ library: StatementLibrary) throws {
        func given<Value>(_ index: Int, _ value: @autoclosure () -> Value?) -> Value? {
            arguments[index] == "-" ? nil : value()
        }
        func text(_ index: Int) -> String { arguments[index].replacing("'", with: "") }
        let time = ConversationWindow.Time(rawValue: String(name.split(separator: "_")[2])) ?? .opened
        let ascending = name.hasSuffix("_asc")
        var filter = ConversationFilter()
        filter.status = given(1, Conversation.Status(rawValue: text(1)))
        filter.teamID = given(2, UUID())
        filter.assignee = given(3, .agent(UUID())) ?? given(4, .nobody)
        filter.waiting = given(5, text(5) == "true")
        filter.channelID = given(6, UUID())
        filter.contactID = given(7, UUID())
        filter.source = given(8, Source(rawValue: text(8)))
        filter.window = ConversationWindow(time, from: given(9, Date()), to: given(10, Date()))
        let parts = filter.parts(behindPosition: arguments[11] != "-", ascending: ascending)
        try self.init(
            filter.list(ascending: ascending), parts, filter.plan,
            [0, 2, 3, 6, 7, 9, 10, 11, 12, 8, 13].map { arguments[$0] }, library)
    }

    private init(
        _ name: String, _ parts: [String], _ plan: Statement.Plan, _ arguments: [String], _ library: StatementLibrary
    ) throws {
        let rendering = try library.rendering(name, parts, plan: plan)
        self.init(
            name: name, statement: rendering.statement, arguments: rendering.parameters.map { arguments[$0 - 1] })
    }

    private init(name: String, statement: Statement, arguments: [String]) {
        self.name = name
        self.statement = statement
        self.arguments = arguments
        plan = statement.plan
    }

    /// What its plan may be made for.
    var modes: [PlanProbe.Mode] {
        if plan == .custom { return [.custom] }
        return statement.name == name ? [.custom, .generic] : [.generic]
    }

    /// Whatever only reads may run on the connections of reads.
    var isRead: Bool {
        let isSelect = statement.sql.contains(/^(--[^\n]*\n)*SELECT/)
        return isSelect && !statement.sql.contains(/\bFOR (NO KEY |KEY )?(UPDATE|SHARE)/)
    }

    var description: String { "\(statement.name) \(arguments.joined(separator: " "))" }
}
