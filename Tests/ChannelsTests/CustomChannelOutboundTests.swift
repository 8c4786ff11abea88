import Core
import Foundation
import Testing

@testable import Channels

@Suite struct CustomChannelOutboundTests {
    let channel = CustomChannel()
    let account = ChannelAccount(url: "https://example.com/hook?a=1", token: "t0ken")
    static let now = Date(timeIntervalSince1970: 1_795_381_200)  // 2026-11-22T21:00:00Z

    static let outboxBody: JSON = [
        "sent_at": "2026-11-22T21:01:19.123456Z", "source": "workflow", "text": "Hi \"Ana\"\n{{x}} 👋",
        "external_id": "c\r\n1", "contact_id": "0193569A-0000-7000-8000-000000000003",
        "conversation_id": "0193569a-0000-7000-8000-000000000002", "message_id": "0193569a-0000-7000-8000-000000000001",
    ]

    @Test func theRequestIsTheSameToTheByte() throws {
        let message = try #require(OutgoingMessage(outboxBody: Self.outboxBody, key: "run/3/0"))
        let request = channel.encode(message, to: account)
        #expect(request == channel.encode(message, to: account))
        #expect(request.method == "POST" && request.url == account.url)
        #expect(
            request.headers.map { "\($0.name): \($0.value)" } == [
                "Authorization: Bearer t0ken", "Content-Type: application/json", "Idempotency-Key: \"run/3/0\"",
                "User-Agent: switchboard",
            ])
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == #"{"message_id":"0193569a-0000-7000-8000-000000000001","#
                + #""conversation_id":"0193569a-0000-7000-8000-000000000002","#
                + #""contact":{"external_id":"c\r\n1","id":"0193569a-0000-7000-8000-000000000003"},"#
                + #""text":"Hi \"Ana\"\n{{x}} 👋","source":"workflow","sent_at":"2026-11-22T21:01:19.123456Z"}"#)
    }

    @Test func anOutboxBodyThatIsNotOneGivesNothing() throws {
        #expect(OutgoingMessage(outboxBody: [:], key: "k") == nil)
        let undated = Self.outboxBody.text.replacing("2026-11-22T", with: "soon")
        #expect(try OutgoingMessage(outboxBody: JSON.parse(undated), key: "k") == nil)
    }

    @Test func keysCannotLeaveTheirHeader() {
        #expect(CustomChannel.structuredString("a\"b\\c\r\né") == "\"a\\\"b\\\\c%0D%0A%C3%A9\"")
    }

    @Test func proofOfInboundCalls() {
        func proof(_ value: String) -> InboundProof {
            channel.proof(in: [ChannelHeader(name: "authorization", value: value)])
        }
        #expect(proof("Bearer abc") == .bearerToken("abc"))
        #expect(proof("bearer  abc ") == .bearerToken("abc"))
        #expect(proof("Basic abc") == .none && proof("Bearer") == .none && channel.proof(in: []) == .none)
    }

    @Test(arguments: [
        (200, #"{"message_id":"p-1"}"#, Delivery.delivered(providerMessageID: "p-1")),
        (204, "", .delivered(providerMessageID: nil)),
        (202, "OK", .delivered(providerMessageID: nil)),
        (200, #"{"message_id":7}"#, .delivered(providerMessageID: nil)),
        (200, #"{"message_id":""}"#, .delivered(providerMessageID: nil)),
        (408, "", .retry(after: nil, reason: "HTTP 408")),
        (425, "", .retry(after: nil, reason: "HTTP 425")),
        (429, "slow", .retry(after: nil, reason: "HTTP 429: slow")),
        (500, #"{"error":{"message":"down"}}"#, .retry(after: nil, reason: "HTTP 500: down")),
        (503, #"{"error":"away"}"#, .retry(after: nil, reason: "HTTP 503: away")),
        (599, "", .retry(after: nil, reason: "HTTP 599")),
        (301, "", .permanent(reason: "HTTP 301")),
        (400, "a\r\nb\u{1B}[31m\u{202E} c\u{0}", .permanent(reason: "HTTP 400: a b[31m c")),
        (401, "", .permanent(reason: "HTTP 401")),
        (410, "gone", .permanent(reason: "HTTP 410: gone")),
        (101, "", .permanent(reason: "HTTP 101")),
    ])
    func answers(status: Int, body: String, expected: Delivery) {
        let response = ChannelResponse(status: status, body: Array(body.utf8))
        #expect(channel.classify(response, now: Self.now) == expected)
    }

    @Test func reasonsAreShort() {
        for body in [Array(repeating: UInt8(ascii: "x"), count: 1 << 20), Array(repeating: 0xFF, count: 5000)] {
            guard
                case .permanent(let reason) = channel.classify(ChannelResponse(status: 400, body: body), now: Self.now)
            else {
                Issue.record("not permanent")
                return
            }
            #expect(reason.unicodeScalars.count == "HTTP 400: ".count + 200)
        }
    }

    @Test(arguments: [
        ("7", 7.0 as TimeInterval?), (" 0 ", 0), ("3600", 3600), ("86400", 3600), ("99999999999999999999999", 3600),
        ("Sun, 22 Nov 2026 21:01:30 GMT", 90), ("Sunday, 22-Nov-26 21:01:30 GMT", 90), ("Sun Nov 22 21:01:30 2026", 90),
        ("Sun Nov  1 21:01:30 2026", 0), ("Mon, 23 Nov 2026 21:00:00 GMT", 3600), ("", nil), ("-5", nil), ("1.5", nil),
        ("soon", nil), ("Sun, 31 Feb 2026 21:01:30 GMT", nil), ("Sun, 22 Nov 2026 21:01:30 CET", nil),
    ])
    func retryAfter(value: String, expected: TimeInterval?) {
        let response = ChannelResponse(status: 503, headers: [ChannelHeader(name: "retry-after", value: value)])
        #expect(channel.classify(response, now: Self.now) == .retry(after: expected, reason: "HTTP 503"))
    }

    @Test func everyAdapterIsFoundByItsKindAndHasFixtures() throws {
        let kinds = Channels.all.map { type(of: $0).kind }
        #expect(Set(kinds).count == kinds.count)
        for kind in kinds {
            #expect(Channels.adapter(kind: kind).map { type(of: $0).kind } == kind)
            let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(kind)")
            #expect(try !FileManager.default.contentsOfDirectory(atPath: fixtures.path).isEmpty, "\(kind)")
        }
        #expect(Channels.adapter(kind: "pigeon") == nil)
    }
}
