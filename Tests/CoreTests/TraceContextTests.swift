import Core
import Testing

@Suite struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    @Test func isTakenAndHandedOnWithASpanOfItsOwn() throws {
        let parent = "00-\(Self.trace)-\(Self.span)-01"
        let states = ["rojo=00f067aa0ba902b7, ", "congo=t61rcWkgMzE"]
        let context = try #require(TraceContext(parent: parent, state: states))
        #expect(context.parent == parent && context.isSampled)
        #expect(context.state == "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
        let child = context.child()
        #expect(child.traceID == Self.trace && child.spanID != Self.span && child.state == context.state)
        #expect(TraceContext(parent: child.parent) != nil)
        #expect(TraceContext(text: context.text) == context)
    }

    @Test func unknownFlagsAreNotPassedOnAndLaterVersionsAreReadAsThisOne() throws {
        #expect(TraceContext(parent: "00-\(Self.trace)-\(Self.span)-fe")?.parent.hasSuffix("-00") == true)
        let later = TraceContext(parent: "cc-\(Self.trace)-\(Self.span)-03-what")
        #expect(later?.parent == "00-\(Self.trace)-\(Self.span)-01")
    }

    @Test(arguments: [
        "", "00-\(trace)-\(span)", "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-01-x", "00-\(trace)-\(span)-01x",
        "ff-\(trace)-\(span)-01", "cc-\(trace)-\(span)-01.x", "00-\(trace.uppercased())-\(span)-01",
        "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
        "00_\(trace)-\(span)-01", "0x-\(trace)-\(span)-01", "00-\(trace)-\(span)-0g", " 00-\(trace)-\(span)-01",
        "00-\(trace)\u{301}-\(span)-01",
    ])
    func whatIsNotValidIsNotTaken(_ parent: String) {
        #expect(TraceContext(parent: parent) == nil)
    }

    @Test(arguments: [
        "a", "A=1", "a=1,a=2", "a=", "a=é", "a=1=2", String(repeating: "a=1,", count: 33),
        "a=" + String(repeating: "x", count: 257),
    ])
    func aStateThatIsNotValidIsDroppedAlone(_ state: String) {
        let context = TraceContext(parent: "00-\(Self.trace)-\(Self.span)-01", state: [state])
        #expect(context != nil && context?.state == nil)
    }

    @Test func newOnesDiffer() {
        let contexts = (0..<100).map { _ in TraceContext() }
        #expect(Set(contexts.map(\.traceID)).count == 100)
        #expect(contexts.allSatisfy { TraceContext(parent: $0.parent) == $0 })
    }
}
