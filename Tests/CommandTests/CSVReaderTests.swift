import Foundation
import Testing

@testable import switchboard

@Suite struct CSVReaderTests {
    private static func read(_ text: String) throws -> [[String]] {
        let reader = try CSVReader(Array(text.utf8))
        return try [reader.columns] + reader.map { try $0.get().fields }
    }

    @Test(arguments: [
        ("text,category\nHello,a\n", [["text", "category"], ["Hello", "a"]]),
        ("text\nno line break at the end", [["text"], ["no line break at the end"]]),
        ("\u{FEFF}text\r\nwith a mark and CR LF\r\n", [["text"], ["with a mark and CR LF"]]),
        ("text\rold line ends\rtwice\r", [["text"], ["old line ends"], ["twice"]]),
        ("text,n\n\"a, comma\",1\n", [["text", "n"], ["a, comma", "1"]]),
        ("text\n\"she said \"\"no\"\"\"\n", [["text"], ["she said \"no\""]]),
        ("text,n\n\"two\nlines\r\nand a third\",1\n", [["text", "n"], ["two\nlines\r\nand a third", "1"]]),
        ("text,n\n,\n\"\",x\n", [["text", "n"], ["", ""], ["", "x"]]),
        ("text\nñandú 🚀 e\u{301}\n", [["text"], ["ñandú 🚀 e\u{301}"]]),
        ("\"text\"\n\n\nafter empty lines\n\n", [["text"], ["after empty lines"]]),
        ("text\n", [["text"]]),
    ])
    func reads(_ text: String, _ expected: [[String]]) throws {
        #expect(try Self.read(text) == expected)
    }

    @Test(arguments: [
        ("", CSVReader.Failure.Reason.empty, 1, 1),
        ("text\n\"open", .unterminatedQuote, 2, 2),
        ("text\n\"closed\"more\n", .textAfterQuote, 2, 2),
        ("text\nin\"side\n", .quoteInsideField, 2, 2),
        ("text,text\n", .duplicateColumn("text"), 1, 1),
        // The line is where the record starts, also after records of several lines.
        ("text,n\n\"a\nb\",1\nonly one\n", .fieldCount(found: 1, expected: 2), 3, 4),
        ("text\na,b\n", .fieldCount(found: 2, expected: 1), 2, 2),
    ])
    func refuses(_ text: String, _ reason: CSVReader.Failure.Reason, _ row: Int, _ line: Int) throws {
        let failure = #expect(throws: CSVReader.Failure.self) { try Self.read(text) }
        #expect(failure == CSVReader.Failure(reason: reason, row: row, line: line))
    }

    @Test func refusesInvalidUTF8WithItsRow() throws {
        let bytes = Array("text\nfine\n".utf8) + [0xC3, 0x28, 0x0A]
        let reader = try CSVReader(bytes)
        let failure = #expect(throws: CSVReader.Failure.self) { try reader.column("text") }
        #expect(failure == CSVReader.Failure(reason: .notUTF8, row: 3, line: 3))
    }

    @Test func namesTheColumnsWhenOneIsMissing() throws {
        let reader = try CSVReader(Array("question,category\nx,y\n".utf8))
        let failure = #expect(throws: CSVReader.Failure.self) { try reader.column("text") }
        #expect(failure?.description == "there is no column called text; the header has: question, category")
    }

    @Test func survivesAnyBytes() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("ab,\"\n\r".utf8) + [0xFF]
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...24)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            guard let reader = try? CSVReader(bytes) else { continue }
            // What is read must be what a writer would write and a reader would read again.
            guard let records = try? reader.map({ try $0.get().fields }) else { continue }
            let written = ([reader.columns] + records)
                .map { $0.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: ",") }
                .joined(separator: "\n")
            let again = try? CSVReader(Array(written.utf8)).map { try $0.get().fields }
            #expect(again == records, "\(bytes)")
        }
    }
}
