import HTTPTypes

/// The conditions of a request (RFC 9110, 13). Those by date are not supported: nothing here has `Last-Modified`.
struct EntityConditions: Sendable, Hashable {
    let ifMatch: EntityTagCondition?
    let ifNoneMatch: EntityTagCondition?

    /// - Throws: 400 `bad-request` naming each header that is neither `*` nor a list of entity tags.
    init(_ headers: HTTPFields) throws(Problem) {
        var errors: [ProblemItem] = []
        func read(_ name: HTTPField.Name) -> EntityTagCondition? {
            // Several lines of a list are one list (RFC 9110, 5.3).
            let lines = headers[values: name]
            guard !lines.isEmpty else { return nil }
            let condition = EntityTagCondition(lines.joined(separator: ","))
            if condition == nil {
                errors.append(
                    ProblemItem(
                        .header(name.rawName), code: "invalid-format",
                        detail: "must be * or a list of entity tags such as \"abc\""))
            }
            return condition
        }
        ifMatch = read(.ifMatch)
        ifNoneMatch = read(.ifNoneMatch)
        guard errors.isEmpty else {
            throw Problem(.badRequest, detail: "A condition cannot be read.", errors: errors)
        }
    }

    var isEmpty: Bool { ifMatch == nil && ifNoneMatch == nil }

    /// Whether a change may go ahead; in the order of RFC 9110, 13.2.2.
    /// - Parameter current: the tag of what is there now; nil when nothing is.
    func permitChange(of current: EntityTag?) -> Bool {
        guard let current else { return ifMatch == nil }
        if let ifMatch, !ifMatch.matchesStrongly(current) { return false }
        if let ifNoneMatch, ifNoneMatch.matchesWeakly(current) { return false }
        return true
    }

    /// Whether the client of a GET has what it would be sent.
    func isUnmodified(_ current: EntityTag) -> Bool { ifNoneMatch?.matchesWeakly(current) ?? false }
}
