import Synchronization

/// The renderings in use. Their parts are chosen by whoever calls, so it holds a bounded number: what was not asked for while
/// half of that many others were goes.
final class RenderingCache: Sendable {
    /// A few dozen are in use at a time; each takes some kilobytes.
    static let capacity = 512

    private struct Entries {
        var recent: [String: StatementTemplate.Rendering] = [:]
        var older: [String: StatementTemplate.Rendering] = [:]

        mutating func find(_ name: String) -> StatementTemplate.Rendering? {
            if let rendering = recent[name] { return rendering }
            guard let rendering = older.removeValue(forKey: name) else { return nil }
            keep(rendering, as: name)
            return rendering
        }

        mutating func keep(_ rendering: StatementTemplate.Rendering, as name: String) {
            if recent.count >= RenderingCache.capacity / 2 {
                older = recent
                recent = [:]
            }
            recent[name] = rendering
        }
    }

    private let entries = Mutex(Entries())

    func rendering(
        of template: StatementTemplate, _ parts: [String], plan: Statement.Plan
    ) throws(PostgresError) -> StatementTemplate.Rendering {
        let name = template.name(of: parts)
        if let known = entries.withLock({ $0.find(name) }), known.statement.plan == plan { return known }
        let rendering = try template.rendering(parts, plan: plan)
        entries.withLock { $0.keep(rendering, as: name) }
        return rendering
    }
}
