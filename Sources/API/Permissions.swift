import Core
import Store

extension Permission {
    /// Workspaces themselves: operator keys only.
    public static let operate = Permission(rawValue: "operate")
    /// How the system, or the caller's part of it, is doing: operator keys, and any key of a workspace.
    public static let observe = Permission(rawValue: "observe")
    /// Looking at anything in the workspace.
    public static let read = Permission(rawValue: "read")
    /// Contacts, conversations, presence: the daily work.
    public static let work = Permission(rawValue: "work")
    /// People, teams, channels, fields, categories, workflows, erasing.
    public static let manage = Permission(rawValue: "manage")
    /// Keys.
    public static let own = Permission(rawValue: "own")
    /// Handing in what contacts wrote: keys that may work, and the channel itself.
    public static let receive = Permission(rawValue: "receive")
}

extension Role {
    /// Whether a key of this role may do what a route demands.
    func grants(_ permission: Permission) -> Bool {
        switch permission {
        case .read, .observe: true
        case .work, .receive: self != .viewer
        case .manage: self == .owner || self == .manager
        case .own: self == .owner
        default: false
        }
    }

    /// The least role that is permitted this; nil where none is.
    static func least(for permission: Permission) -> Role? { allCases.last { $0.grants(permission) } }
}
