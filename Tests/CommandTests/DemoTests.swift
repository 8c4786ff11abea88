import Core
import Foundation
import Store
import Testing

@testable import switchboard

@Suite struct DemoTests {
    @Test func theFileIsReadBackAndOnlyItsOwnerMayReadIt() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let path = directory.url.appendingPathComponent("state/demo.env").path
        var file = DemoFile(url: "http://127.0.0.1:8080", key: "sb_1_a", operatorKey: "sbo_2_b", channel: "c")
        try file.write(path)
        #expect(DemoFile.read(path) == file)
        file.url = "http://127.0.0.1:9"
        try file.write(path)
        #expect(DemoFile.read(path) == file)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.url.path + "/state") == ["demo.env"])
        try Data("SWITCHBOARD_URL=x\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(DemoFile.read(path) == nil)
    }

    @Test func theWorkflowIsValidAndNamesItsTeams() throws {
        let teams = Dictionary(uniqueKeysWithValues: DemoWorkflow.teams.map { ($0, UUID()) })
        #expect(teams.count == 4)
        let document = try WorkflowDocument(DemoWorkflow.document { teams[$0] })
        #expect(document.definition.references.count == 4)
        #expect(document.definition.unreachable.isEmpty)
    }

    @Test func twelveAgentsWithDifferentLimitsServeTheTeams() {
        #expect(DemoWorkspace.agents.count == 12)
        #expect(Set(DemoWorkspace.agents.map(\.name)).count == 12)
        #expect(Set(DemoWorkspace.agents.map(\.team)) == Set(DemoWorkflow.teams))
        #expect(Set(DemoWorkspace.agents.map(\.maxOpen)).count > 3)
    }

    @Test func thePastedLinesSurviveAwkwardPathsAndShowNoKey() {
        let words = DemoWorkspace.words("http://x", path: "/a b/it's/demo.env")
        #expect(words.contains(#"(. '/a b/it'\''s/demo.env';"#))
        #expect(words.split(separator: "\n").count { $0.contains("curl") } == 3)
        #expect(!words.contains("sb_"))
    }
}
