import Foundation

/// A bar on standard error, drawn over itself at most ten times a second; nothing at all when that is no terminal.
struct ProgressBar {
    private let total: Int
    private let isTerminal: Bool
    private var nextDrawing = ContinuousClock.now
    private var isDrawn = false

    init(total: Int, isTerminal: Bool = isatty(STDERR_FILENO) == 1) {
        self.total = total
        self.isTerminal = isTerminal
    }

    mutating func show(_ done: Int, _ words: @autoclosure () -> String) {
        let now = ContinuousClock.now
        guard isTerminal, now >= nextDrawing || done == total else { return }
        nextDrawing = now + .milliseconds(100)
        isDrawn = true
        write("\r\u{1B}[K" + Self.line(done: done, of: total, width: 30, words()))
    }

    /// Leaves the line empty for what is printed next.
    mutating func clear() {
        guard isDrawn else { return }
        isDrawn = false
        write("\r\u{1B}[K")
    }

    static func line(done: Int, of total: Int, width: Int, _ words: String) -> String {
        let share = total == 0 ? 1 : Double(min(done, total)) / Double(total)
        let full = Int(share * Double(width))
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
        return "\(bar) \(Int(share * 100)) %  \(words)"
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
