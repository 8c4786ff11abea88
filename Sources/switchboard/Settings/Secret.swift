/// A text that must not be shown: printing, interpolating, dumping and logging it give `(not shown)`.
struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself, for whoever connects with it.
    let revealed: String

    init(_ text: String) { revealed = text }

    var description: String { "(not shown)" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}
