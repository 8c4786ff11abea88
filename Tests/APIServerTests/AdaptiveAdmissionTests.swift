import Testing

@testable import API

/// How many requests are handled at once by how long they take. With a target of no time everything takes too long.
@Suite struct AdaptiveAdmissionTests {
    @Test func whatIsSlowLetsFewerIn() async throws {
        let admission = Admission(limit: 4, least: 1, target: 0)
        #expect(try await among(2, of: admission) == 2)
        #expect(try await among(2, of: admission) == 1)
    }

    @Test func whatIsQuickLetsAsManyInAsBefore() async throws {
        let admission = Admission(limit: 4, least: 1, target: 3600)
        for _ in 0..<10 { #expect(try await among(4, of: admission) == 4) }
        #expect(try await among(5, of: admission) == 4)
    }

    @Test func whatIsAlwaysAnsweredCountsAndIsNoMeasure() async throws {
        let admission = Admission(limit: 2, least: 1, target: 0)
        try await admission.admit(always: true) {
            try await admission.admit(always: true) {
                try await admission.admit(always: true) {}
                await #expect(throws: Problem.self) { try await admission.admit(always: false) {} }
            }
        }
        #expect(try await among(2, of: admission) == 2)
    }

    /// How many of so many are let in, each inside the one before it.
    private func among(_ count: Int, of admission: Admission) async throws -> Int {
        guard count > 0 else { return 0 }
        do {
            return try await admission.admit(always: false) { try await 1 + among(count - 1, of: admission) }
        } catch is Problem {
            return 0
        }
    }
}
