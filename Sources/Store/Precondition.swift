import Foundation

/// What a caller demands of a resource before a verb changes it.
///
/// A verb asks by `StoreTransaction.demand`, after it has locked the resource and before it changes anything: between
/// the look and the change nobody else can come.
public enum Precondition<Resource>: Sendable {
    /// Nothing, unless the workspace's `require_if_match` forbids that.
    case unconditional
    /// Throws to refuse. It is given the resource as it is now; nil when there is none.
    case conditional(@Sendable (Resource?) throws -> Void)
}

/// The workspace takes no unconditional changes.
public struct PreconditionRequired: Error, Sendable {}

extension StoreTransaction {
    /// - Parameters:
    ///   - precondition: nil for callers that do not come from outside.
    ///   - current: the resource as a GET would show it. Read by a statement after the one that took the lock where it
    ///     shows other rows too: a statement that waited for the lock sees those as they were before.
    /// - Throws: `PreconditionRequired`, and what the condition throws.
    func demand<Resource>(
        _ precondition: Precondition<Resource>?, in workspace: UUID, _ current: @autoclosure () throws -> Resource?
    ) throws {
        switch precondition {
        case nil: break
        case .conditional(let check): try check(current())
        case .unconditional:
            let row = try one("workspace_requires_if_match", [workspace], what: "workspace")
            if try row.decode("require_if_match") { throw PreconditionRequired() }
        }
    }
}
