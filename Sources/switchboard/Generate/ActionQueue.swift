/// What is to happen in a simulated history, earliest first; of two at the same moment the one planned first.
struct ActionQueue<Action> {
    private struct Item {
        let time: Int
        let number: UInt64
        let action: Action

        func isBefore(_ other: Item) -> Bool {
            time == other.time ? number < other.number : time < other.time
        }
    }

    private var heap: [Item] = []
    private var planned: UInt64 = 0

    var nextTime: Int? { heap.first?.time }

    mutating func plan(_ action: Action, at time: Int) {
        planned += 1
        heap.append(Item(time: time, number: planned, action: action))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func next() -> (time: Int, action: Action)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2]
                where child < heap.count && heap[child].isBefore(heap[least]) {
                    least = child
                }
                guard least != parent else { break }
                heap.swapAt(parent, least)
                parent = least
            }
        }
        return (first.time, first.action)
    }
}
