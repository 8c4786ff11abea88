import Foundation

/// Something of the workspace that a definition names and only the database can say whether it exists.
public struct WorkflowReference: Sendable, Hashable {
    /// What is named.
    public enum Target: Sendable, Hashable {
        case team(UUID)
        case agent(UUID)
        case channel(UUID)
        /// A closing category, by name.
        case closingCategory(String)
    }

    public let target: Target
    /// Where it is named.
    public let pointer: String

    public init(target: Target, pointer: String) {
        self.target = target
        self.pointer = pointer
    }

    /// The error to give when it does not exist.
    public var missing: FieldError {
        let what =
            switch target {
            case .team: "team"
            case .agent: "agent"
            case .channel: "channel"
            case .closingCategory: "closing category"
            }
        let code = "unknown-\(what.replacing(" ", with: "-"))"
        return FieldError(pointer: pointer, code: code, detail: "there is no such \(what)")
    }
}

/// Gathers references while a definition is read.
final class ReferenceCollector {
    private(set) var list: [WorkflowReference] = []

    func add(_ target: WorkflowReference.Target, _ pointer: String) {
        list.append(WorkflowReference(target: target, pointer: pointer))
    }
}
