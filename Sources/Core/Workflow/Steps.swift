/// The kinds of steps. One line adds one.
public enum Steps {
    /// Every kind, in the order of the documentation.
    public static let all: [any Step.Type] = [
        BranchStep.self,
        AssignStep.self,
        UpdateContactFieldStep.self,
        UpdateTagsStep.self,
        SendMessageStep.self,
        AddCommentStep.self,
        WaitStep.self,
        CloseConversationStep.self,
        EndStep.self,
    ]

    /// The kind with that `type`.
    public static func named(_ type: String) -> (any Step.Type)? { byType[type] }

    private static let byType = Dictionary(all.map { ($0.type, $0) }, uniquingKeysWith: { first, _ in first })
}
