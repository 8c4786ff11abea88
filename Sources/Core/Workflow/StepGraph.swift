/// Steps and the ways between them: whether every way leads somewhere, and whether a run can go round for ever at once.
struct StepGraph {
    private let steps: [(id: String?, pointer: String, ports: [StepPort])]
    /// The first step of each id.
    private let index: [String: Int]

    init(drafts: [(id: String?, pointer: String, ports: [StepPort])]) {
        steps = drafts
        var index: [String: Int] = [:]
        for (position, draft) in drafts.enumerated() {
            if let id = draft.id, index[id] == nil { index[id] = position }
        }
        self.index = index
    }

    func check(start: String?, errors: FieldErrors) {
        if let start, index[start] == nil {
            errors.add("/start", "unknown-step", "there is no step \"\(start)\"")
        }
        for (position, step) in steps.enumerated() {
            if let id = step.id, let first = index[id], first != position {
                errors.add("\(step.pointer)/id", "duplicate-id", "\"\(id)\" is also the id of step \(first)")
            }
            for port in step.ports {
                if let target = port.target, index[target] == nil {
                    errors.add(port.pointer, "dangling-port", "there is no step \"\(target)\"")
                }
            }
        }
        checkCycles(errors)
    }

    /// Ids of steps that no way from the start leads to.
    func unreachable(from start: String) -> [String] {
        var reached: Set<String> = [start]
        var open = [start]
        while let id = open.popLast() {
            guard let position = index[id] else { continue }
            for target in steps[position].ports.compactMap(\.target) where reached.insert(target).inserted {
                open.append(target)
            }
        }
        return steps.compactMap(\.id).filter { !reached.contains($0) }
    }

    /// Depth-first over the ways that take no time: one that leads back onto the path closes a cycle. Recursion is as
    /// deep as there are steps, at most `WorkflowDefinition.maximumSteps`.
    private func checkCycles(_ errors: FieldErrors) {
        var isDone = [Bool](repeating: false, count: steps.count)
        var path: [Int] = []

        func visit(_ position: Int) {
            path.append(position)
            for port in steps[position].ports where !port.takesTime {
                guard let target = port.target, let next = index[target] else { continue }
                if let entry = path.firstIndex(of: next) {
                    let names = (path[entry...] + [next]).compactMap { steps[$0].id }.joined(separator: " → ")
                    errors.add(
                        port.pointer, "cycle-without-wait",
                        "leads back without a wait, a question or a time-out: \(names)")
                } else if !isDone[next] {
                    visit(next)
                }
            }
            path.removeLast()
            isDone[position] = true
        }

        for position in steps.indices where !isDone[position] { visit(position) }
    }
}
