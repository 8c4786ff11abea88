import CLibPQ

/// Which statements a connection has prepared, and under which names. Names are never used twice, so what became of an
/// earlier attempt does not matter.
struct PreparedStatements {
    /// Which renderings of a template are asked for is the caller's choice, and each one's plan takes the server up to 100 kB a
    /// connection. Beyond this many the one that was not used for longest goes.
    private static let maximum = 384

    private struct Entry {
        let name: String
        /// Of its parameters, as they were declared.
        let types: [Oid]
        /// False while the pipeline that prepares it is under way.
        var isConfirmed: Bool
        /// Counts the statements that were sent.
        var lastUse: UInt64
        var columns: ResultColumns?
    }

    /// How a statement is to be sent.
    enum Use {
        /// Under this name.
        case prepared(String)
        /// After it was prepared.
        case unknown
        /// By itself: its preparation is under way in a pipeline whose failure would take it along, or was for parameters of
        /// other types.
        case unnamed
    }

    private var entries: [Statement: Entry] = [:]
    private var namesGiven = 0
    private var uses: UInt64 = 0

    /// - Parameter isolated: the statement may not count on another one's preparation.
    mutating func use(_ statement: Statement, _ types: [Oid], isolated: Bool) -> Use {
        uses += 1
        guard let index = entries.index(forKey: statement) else { return isolated ? .unnamed : .unknown }
        entries.values[index].lastUse = uses
        let known = entries.values[index]
        guard known.types == types else { return .unnamed }
        return known.isConfirmed || !isolated ? .prepared(known.name) : .unnamed
    }

    /// Notes that the statement is being prepared.
    /// - Returns: the name for it.
    mutating func add(_ statement: Statement, _ types: [Oid]) -> String {
        namesGiven += 1
        let name = "s\(namesGiven)"
        entries[statement] = Entry(name: name, types: types, isConfirmed: false, lastUse: uses)
        return name
    }

    /// Takes out the one that has to make room for another. Only what is confirmed goes: its `DEALLOCATE` cannot fail.
    mutating func removeLeastUsed() -> (statement: Statement, name: String)? {
        guard entries.count >= Self.maximum,
            let least = entries.filter(\.value.isConfirmed).min(by: { $0.value.lastUse < $1.value.lastUse })
        else { return nil }
        entries[least.key] = nil
        return (least.key, least.value.name)
    }

    mutating func confirm(_ statement: Statement, name: String) {
        if entries[statement]?.name == name { entries[statement]?.isConfirmed = true }
    }

    /// It was not deallocated after all, and is the next to go. What its parameters are is forgotten.
    mutating func restore(_ statement: Statement, name: String) {
        if entries[statement] == nil {
            entries[statement] = Entry(name: name, types: [], isConfirmed: true, lastUse: 0)
        }
    }

    /// It is prepared anew at its next use.
    mutating func forget(_ statement: Statement) { entries[statement] = nil }

    mutating func forgetAll() { entries.removeAll() }

    /// The shape of its results. It cannot change: the server refuses to run the statement then.
    func columns(of statement: Statement) -> ResultColumns? { entries[statement]?.columns }

    mutating func keep(_ columns: ResultColumns, of statement: Statement) { entries[statement]?.columns = columns }
}
