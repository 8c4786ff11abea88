import Core
import Foundation
import Postgres

extension StoreTransaction {
    /// Marks every line in which somebody waits and that this agent may serve: those of the agent's teams, the agent's
    /// own, the workspace's.
    ///
    /// Call it after the statement that changed the agent, never before: a line's server may have committed an entry while
    /// we waited for the agent's lock, and only a later snapshot sees it.
    public func markLines(ofAgent agent: UUID, in workspace: UUID) throws {
        let lines = try query("mark_lines_of_agent", [workspace, agent, newID()])
        for line in try lines.decode("line_id", as: UUID.self) { nudge(.line(workspace: workspace, line: line)) }
    }
}
