import Core
import Foundation
import Testing

@testable import Channels

@Suite struct CustomChannelInboundTests {
    /// What each file of `Fixtures/custom` must give: the events in order, or why the whole call is refused.
    static let expectations: [String: [String]] = [
        "complete": ["m1"],
        "nulls-and-empty-profile-values": ["m1"],
        "no-name": ["m1"],
        "twice-the-same-id": ["m1", "m1"],
        "bad-amid-good": [
            "m1", "rejected m2: /events/1/text too-short", "rejected m3: /events/2/contact missing",
            "rejected -: /events/3/message_id missing, /events/3/contact missing, /events/3/text missing", "m5",
        ],
        "event-is-no-object": [
            "rejected -: /events/0 wrong-type", "rejected -: /events/1 wrong-type", "rejected -: /events/2 wrong-type",
            "rejected -: /events/3 wrong-type", "m5",
        ],
        "unknown-type": [
            "rejected m1: /events/0/type not-allowed", "rejected m2: /events/1/type wrong-type",
            "rejected m3: /events/2/type missing", "rejected m4: /events/3/type not-allowed",
        ],
        "unknown-fields": [
            "rejected m1: /events/0/txt unknown-field", "rejected m2: /events/1/contact/e-mail~1x unknown-field",
        ],
        "wrong-types": [
            "rejected -: /events/0/message_id wrong-type", "rejected m2: /events/1/text wrong-type",
            "rejected m3: /events/2/contact wrong-type",
            "rejected m4: /events/3/contact/external_id wrong-type, /events/3/contact/name wrong-type",
            "rejected m5: /events/4/sent_at wrong-type",
        ],
        "everything-wrong-at-once": [
            "rejected -: /events/0/message_id too-short, /events/0/contact/external_id too-short, "
                + "/events/0/contact/nam unknown-field, /events/0/text too-short, /events/0/sent_at invalid-format, "
                + "/events/0/x unknown-field"
        ],
        "blank-text": [
            "rejected m1: /events/0/text too-short", "rejected m2: /events/1/text too-short",
            "rejected m3: /events/2/text too-short",
        ],
        "text-of-16-kB-and-a-byte-more": ["m1", "rejected m2: /events/1/text too-long"],
        "ids-of-200-characters-and-one-more": [
            String(repeating: "é", count: 200),
            "rejected -: /events/1/message_id too-long, /events/1/contact/external_id too-long",
        ],
        "dated-far-ahead-and-long-ago": [
            "m1", "rejected m2: /events/1/sent_at out-of-range", "m3", "rejected m4: /events/3/sent_at out-of-range",
            "rejected m5: /events/4/sent_at out-of-range", "rejected m6: /events/5/sent_at invalid-format",
            "rejected m7: /events/6/sent_at invalid-format",
        ],
        "text-that-looks-like-code": ["m1"],
        "a-hundred-events": (0..<100).map { "m\($0)" },
        "a-hundred-and-one-events": ["invalid: /events too-many"],
        "no-event": ["invalid: /events too-few"],
        "unknown-field-of-the-call": ["invalid: /channel unknown-field"],
        "events-missing": ["invalid: /events missing, /event unknown-field"],
        "events-null": ["invalid: /events wrong-type"],
        "events-an-object": ["invalid: /events wrong-type"],
        "an-array": ["invalid:  wrong-type"],
        "empty-body": ["malformed: empty"],
        "form-encoded": ["malformed: unexpectedByte"],
        "cut-off": ["malformed: unexpectedEnd"],
        "two-values": ["malformed: trailingBytes"],
        "duplicate-key": ["malformed: duplicateKey"],
        "invalid-utf8": ["malformed: invalidUTF8"],
        "escaped-nul": ["malformed: nulCharacter"],
        "half-a-surrogate-pair": ["malformed: loneSurrogate"],
        "nested-too-deep": ["malformed: tooDeep"],
    ]

    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/custom")
    static let now = Date(timeIntervalSince1970: 1_795_381_200)  // 2026-11-22T21:00:00Z

    static func parse(_ fixture: String) throws -> Result<ParsedInbound, InboundCallError> {
        let body = try Data(contentsOf: fixtures.appending(path: "\(fixture).json"))
        do throws(InboundCallError) {
            return .success(try CustomChannel().parse(inbound: Array(body), now: now))
        } catch {
            return .failure(error)
        }
    }

    static func summary(_ errors: [FieldError]) -> String {
        errors.map { "\($0.pointer) \($0.code)" }.joined(separator: ", ")
    }

    @Test(arguments: expectations.keys.sorted()) func fixture(name: String) throws {
        let outcome: [String] =
            switch try Self.parse(name) {
            case .failure(.malformed(let error)): ["malformed: \(error.reason)"]
            case .failure(.invalid(let errors)): ["invalid: \(Self.summary(errors))"]
            case .success(let parsed):
                parsed.events.map { event in
                    switch event {
                    case .message(let message): message.messageID
                    case .rejected(let id, let errors): "rejected \(id ?? "-"): \(Self.summary(errors))"
                    }
                }
            }
        #expect(outcome == Self.expectations[name])
    }

    @Test func everyFixtureIsExpected() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.fixtures.path)
        #expect(Set(files) == Set(Self.expectations.keys.map { "\($0).json" }))
    }

    @Test func textAndProfileArriveAsTheyWere() throws {
        guard case .message(let message) = try Self.parse("complete").get().events[0] else {
            Issue.record("rejected")
            return
        }
        #expect(message.externalID == "+34600111222")
        #expect(message.text == "  Hola, \"¿qué tal?\"\n\t👋  ")
        #expect(
            message.profile
                == ContactProfile(
                    name: "Ana Núñez 👩🏽‍💻", email: "ana@example.com", phone: "+34600111222", language: "es-ES"))
        #expect(message.sentAt.map { Timestamp.format($0) } == "2026-11-22T21:01:19.123000Z")

        guard case .message(let bare) = try Self.parse("nulls-and-empty-profile-values").get().events[0] else {
            Issue.record("rejected")
            return
        }
        #expect(bare.profile == ContactProfile() && bare.sentAt == nil)
    }
}
