import Core
import Foundation
import OrderedCollections
import Testing

@Suite struct JSONTests {
    @Test(
        arguments: [
            ("null", JSON.null), (" true ", true), ("-0", 0), ("9223372036854775807", .integer(.max)),
            ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
            ("-9223372036854775809", .number(-9_223_372_036_854_775_808)), ("1.5e3", .number(1500)),
            ("1E-2", .number(0.01)),
            ("\"\"", ""), (#""\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\""#, "é😀/\u{8}\u{c}\n\r\t\"\\"),
            ("\"naïve 日本 😀\"", "naïve 日本 😀"),
            ("[]", []), ("{}", [:]), ("[1,[2,{\"a\":[]}]]", [1, [2, ["a": []]]]),
            ("{\"b\":1,\"a\":2}", ["b": 1, "a": 2]),
            ("\"\u{7f}\"", "\u{7f}"), ("1e-400", .number(0)),
        ] as [(String, JSON)])
    func reads(text: String, value: JSON) throws {
        #expect(try JSON.parse(text) == value)
        #expect(try JSON.parse(Array(text.utf8)) == value)
        #expect(try JSON.parse(value.serialized()) == value, "round trip")
    }

    @Test(
        arguments: [
            ("", JSONError.Reason.empty, 0), ("  ", .empty, 2), ("nul", .unexpectedEnd, 3),
            ("nulL", .unexpectedByte, 3),
            ("1 2", .trailingBytes, 2), ("[1,]", .unexpectedByte, 3), ("[1", .unexpectedEnd, 2),
            ("{\"a\":1,}", .unexpectedByte, 7),
            ("{a:1}", .unexpectedByte, 1), ("{\"a\" 1}", .unexpectedByte, 5), ("{\"a\":1,\"a\":2}", .duplicateKey, 7),
            ("{\"a\":1,\"\\u0061\":2}", .duplicateKey, 7), ("01", .invalidNumber, 0), ("-", .unexpectedEnd, 1),
            ("-x", .invalidNumber, 1), ("1.", .unexpectedEnd, 2), ("1.e3", .invalidNumber, 2),
            ("1e", .unexpectedEnd, 2),
            (".5", .unexpectedByte, 0), ("+1", .unexpectedByte, 0), ("1e400", .numberOutOfRange, 0),
            ("NaN", .unexpectedByte, 0),
            ("\"\\u0000\"", .nulCharacter, 1), ("\"a\u{0}\"", .nulCharacter, 2), ("\u{0}", .nulCharacter, 0),
            ("\"\n\"", .controlCharacter, 1), ("\"\\x\"", .invalidEscape, 1), ("\"\\u12g4\"", .invalidEscape, 5),
            ("\"\\ud800\"", .loneSurrogate, 1), ("\"\\udc00\"", .loneSurrogate, 1),
            ("\"\\ud800\\u0041\"", .loneSurrogate, 1),
            ("\"abc", .unexpectedEnd, 4), ("\"\\", .unexpectedEnd, 2), ("\u{feff}1", .unexpectedByte, 0),
            ("'a'", .unexpectedByte, 0),
        ] as [(String, JSONError.Reason, Int)])
    func refuses(text: String, reason: JSONError.Reason, offset: Int) {
        let error = #expect(throws: JSONError.self) { try JSON.parse(text) }
        #expect(error?.reason == reason)
        #expect(error?.offset == offset)
    }

    @Test(
        arguments: [
            ([0x80], 1), ([0xC0, 0x80], 1), ([0xC3], 1), ([0xE0, 0x80, 0x80], 1), ([0xED, 0xA0, 0x80], 1),
            ([0xF4, 0x90, 0x80, 0x80], 1), ([0xF5, 0x80, 0x80, 0x80], 1), ([0x61, 0xE2, 0x82], 2),
            ([0x5C, 0x6E, 0xFF], 3), ([0xFF, 0x5C, 0x6E], 1),
        ] as [([UInt8], Int)])
    func refusesInvalidUTF8(bytes: [UInt8], offset: Int) {
        let error = #expect(throws: JSONError.self) { try JSON.parse([0x22] + bytes + [0x22]) }
        #expect(error?.reason == .invalidUTF8)
        #expect(error?.offset == offset)
    }

    @Test func refusesDepthAndLength() throws {
        let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(try JSON.parse(nested(64)) != .null)
        #expect(throws: JSONError.self) { try JSON.parse(nested(65)) }
        #expect(throws: JSONError.self) { try JSON.parse(String(repeating: "[", count: 1_000_000)) }
        #expect(throws: JSONError.self) { try JSON.parse(String(repeating: "9", count: 401)) }
        let error = #expect(throws: JSONError.self) { try JSON.parse("{\n  \"a\": tru\n}") }
        #expect(error?.line == 2)
        #expect(error?.column == 11)
    }

    /// Whatever bytes come, the parser answers; what it accepts, it writes and reads again as the same.
    @Test func survivesRandomBytes() throws {
        var random = SplitMix64(seed: 42)
        let seeds = [#"{"a":[1,2.5,"x\u00e9",null,true],"b":{"c":"日本"}}"#, #"[[],{},"\ud83d\ude00",-1e5]"#].map {
            Array($0.utf8)
        }
        for _ in 0..<20_000 {
            var bytes = seeds[random.int(0...1)]
            for _ in 0..<random.int(1...4) {
                let index = random.int(0...bytes.count - 1)
                switch random.int(0...2) {
                case 0: bytes[index] = UInt8(random.int(0...255))
                case 1: bytes.remove(at: index)
                default: bytes.insert(bytes[random.int(0...bytes.count - 1)], at: index)
                }
            }
            if let value = try? JSON.parse(bytes) {
                holds(try JSON.parse(value.serialized()) == value)
                holds(String(validating: bytes, as: UTF8.self) != nil)
            }
        }
    }

    @Test func writes() {
        let value: JSON = ["z": "a\"\\\n\u{1}é/", "a": [1, 1.0, 1e20, .null, true], "n": .number(.nan)]
        #expect(value.text == #"{"z":"a\"\\\n\u0001é/","a":[1,1.0,1e+20,null,true],"n":null}"#)
    }
}

@Suite struct ObjectReaderTests {
    enum Colour: String, CaseIterable, Sendable { case red, green }

    @Test func collectsEveryMistakeWithItsPointer() {
        let errors = FieldErrors()
        let json: JSON = [
            "name": "", "age": 200, "id": "x", "when": "yesterday", "wait": "P1M", "colour": "blue", "list": [1, "a"],
            "flag": "yes", "inner": ["a/b~c": 1], "long": "áé😀", "extra": 1,
        ]
        let reader = ObjectReader(json, errors: errors)
        #expect(reader.string("name", length: 1...10) == nil)
        #expect(reader.int("age", range: 0...150) == nil)
        #expect(reader.uuid("id") == nil)
        #expect(reader.instant("when") == nil)
        #expect(reader.duration("wait", range: 1...60) == nil)
        #expect(reader.enumeration("colour", Colour.self) == nil)
        #expect(reader.array("list", of: .int()) == nil)
        #expect(reader.bool("flag") == nil)
        reader.object("inner")?.finish()
        #expect(reader.string("long", length: 1...3) == "áé😀", "Unicode scalars are counted")
        #expect(reader.string("gone") == nil)
        reader.finish()
        #expect(
            errors.list.map { "\($0.pointer) \($0.code)" } == [
                "/name too-short", "/age out-of-range", "/id invalid-format", "/when invalid-format",
                "/wait invalid-format",
                "/colour not-allowed", "/list/1 wrong-type", "/flag wrong-type", "/inner/a~1b~0c unknown-field",
                "/gone missing", "/extra unknown-field",
            ])
        #expect(errors.list[5].detail.contains("\"red\", \"green\""))
    }

    @Test func tellsAbsentFromNull() {
        let errors = FieldErrors()
        let reader = ObjectReader(["a": .null, "b": "x"], errors: errors)
        #expect(reader.patch("a", .string()) == .null)
        #expect(reader.patch("b", .string()) == .value("x"))
        #expect(reader.patch("c", .string()) == .absent)
        #expect(Patch<String>.absent.applied(to: "old") == "old")
        #expect(Patch<String>.null.applied(to: "old") == nil)
        #expect(errors.isEmpty)
        #expect(reader.patchRequired("a", .string()) == nil)
        #expect(errors.list.map(\.code) == ["wrong-type"])
    }

    @Test func saysOnceThatThereIsNoObject() {
        let errors = FieldErrors()
        let reader = ObjectReader([1], pointer: "/events/3", errors: errors)
        #expect(reader.string("a") == nil)
        reader.finish()
        #expect(errors.list.map(\.pointer) == ["/events/3"])
    }
}
