import Synchronization
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(5))) struct SharedReadsTests {
    /// Reads that end when they are told to, numbered in the order of their beginning.
    private final class Reads: Sendable {
        private let state = Mutex((begun: 0, waiting: [CheckedContinuation<Void, Never>](), isOpen: false))

        var begun: Int { state.withLock { $0.begun } }

        func read() async -> Int {
            let number = state.withLock { state in
                state.begun += 1
                return state.begun
            }
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
            return number
        }

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                return state.waiting
            }
            waiting.forEach { $0.resume() }
        }
    }

    private final class Count: Sendable {
        private let value = Atomic(0)
        var now: Int { value.load(ordering: .sequentiallyConsistent) }
        @discardableResult func next() -> Int { value.add(1, ordering: .sequentiallyConsistent).newValue }
    }

    private struct Wrong: Error {}

    private func until(_ condition: () -> Bool) async { while !condition() { await Task.yield() } }

    @Test func nobodyIsToldWhatWasAskedBeforeItCame() async throws {
        let shared = SharedReads<String, Int>()
        let reads = Reads()
        let first = Task { try await shared.value(of: "a") { await reads.read() } }
        await until { reads.begun == 1 }
        let came = Count()
        let later = (0..<50).map { _ in
            Task {
                came.next()
                return try await shared.value(of: "a") { await reads.read() }
            }
        }
        await until { came.now == 50 }
        // Another key has nothing to do with it.
        let other = Task { try await shared.value(of: "b") { await reads.read() } }
        await until { reads.begun == 2 }
        reads.open()
        #expect(try await first.value == 1)
        #expect(try await other.value == 2)
        for task in later { #expect(try await task.value >= 3) }
        // Those who had come by then share one; who was slow to come may need one more.
        #expect(reads.begun < 10)
        #expect(try await shared.value(of: "a") { 99 } == 99)
    }

    @Test func aFailureIsEverybodysAndACancellationNobodyElses() async throws {
        let shared = SharedReads<String, Int>()
        let reads = Reads()
        let first = Task { try await shared.value(of: "a") { await reads.read() } }
        await until { reads.begun == 1 }
        let leaderReads = Count()
        // The first of the next group is cancelled in its read, and the others go on without it.
        let group = (0..<3).map { _ in
            Task {
                try await shared.value(of: "a") {
                    guard leaderReads.next() == 1 else { return 7 }
                    withUnsafeCurrentTask { $0?.cancel() }
                    throw CancellationError()
                }
            }
        }
        for _ in 0..<1000 { await Task.yield() }
        reads.open()
        #expect(try await first.value == 1)
        var cancelled = 0
        for task in group {
            switch await task.result {
            case .success(let value): #expect(value == 7)
            case .failure: cancelled += 1
            }
        }
        #expect(cancelled == 1)
        await #expect(throws: Wrong.self) { try await shared.value(of: "a") { throw Wrong() } }
        #expect(try await shared.value(of: "a") { 8 } == 8)
    }
}
