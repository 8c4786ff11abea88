/// What people write in a generated history. The words decide which team a conversation goes to.
enum HistoryTexts {
    struct Topic: Sendable {
        let name: String
        let words: [String]
        let questions: [String]
    }

    static let topics: [Topic] = [
        Topic(
            name: "Billing", words: ["invoice", "charged", "refund"],
            questions: [
                "Hello, my invoice for last month shows an amount I do not recognise.",
                "I was charged twice for the same order, can you look into it?",
                "When will the refund for my return arrive?", "The invoice has the wrong address on it.",
            ]),
        Topic(
            name: "Orders", words: ["order", "parcel", "delivery"],
            questions: [
                "Where is my order? It should have been here on Tuesday.",
                "The parcel arrived but one item is missing.",
                "Can I still change the delivery address?", "The delivery man rang once and left.",
            ]),
        Topic(
            name: "Technical", words: ["password", "error", "app"],
            questions: [
                "I cannot sign in, the password reset mail never comes.",
                "The app shows an error when I open my profile.", "Since the update the app closes by itself 😕",
                "There is an error 502 when I pay.",
            ]),
    ]

    static let general = [
        "Hi, are you open on Sunday?", "Good morning! I have a question.", "¿Me pueden ayudar, por favor?",
        "Do you have this in blue?", "Hello", "Quería felicitarles por el servicio.",
    ]

    static let contactReplies = [
        "Yes, that is right.", "It is 4711-0815.", "Thank you!", "No, still not.", "One moment, I am looking.",
        "ok", "That was in March I think.", "Perfect, thanks a lot 🙏",
    ]

    static let agentReplies = [
        "Thank you for writing to us. I am looking into it right away.",
        "Could you give me the number that stands at the top of your confirmation?",
        "I have corrected it; you will receive a confirmation by e-mail within the hour.",
        "Is there anything else that I can do for you?",
        "I am sorry for the trouble. My colleague from the other team takes over from here.",
    ]

    static let greeting = "Thank you for your message. Somebody will be with you shortly."

    static let categories = ["Solved", "No answer", "Complaint", "Praise"]

    static let firstNames = [
        "Ada", "Bruno", "Carla", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Luis", "Mina",
        "Noor", "Olga", "Pablo", "Quim", "Rosa", "Sven", "Tara",
    ]
}
