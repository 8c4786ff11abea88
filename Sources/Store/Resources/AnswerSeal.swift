import Crypto
import Foundation

/// Hides the secret of a kept answer (a new key, a channel's token) from whoever reads the database: it is sealed with
/// what only the repeating client has, its own token and its `Idempotency-Key`.
public struct AnswerSeal: Sendable {
    private let key: SymmetricKey
    /// Binds the sealed text to its row.
    private let context: Data

    /// - Parameters:
    ///   - token: the caller's, whole; the database holds no more than the digest of its secret.
    ///   - key: the `Idempotency-Key`.
    public init(token: String, key: String) {
        context = Data(key.utf8)
        self.key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Data(token.utf8)), salt: context,
            info: Data("switchboard idempotent answer".utf8), outputByteCount: 32)
    }

    /// Base64 of nonce, ciphertext and tag.
    func seal(_ secret: String) throws -> String {
        // 96 random bits of nonce and a key of its own for each answer: AES-GCM never meets a nonce twice.
        let box = try AES.GCM.seal(Data(secret.utf8), using: key, authenticating: context)
        guard let combined = box.combined else { throw CryptoKitError.incorrectParameterSize }
        return combined.base64EncodedString()
    }

    /// Nil when it was sealed for another token or key.
    func open(_ text: String) -> String? {
        guard let data = Data(base64Encoded: text), let box = try? AES.GCM.SealedBox(combined: data),
            let secret = try? AES.GCM.open(box, using: key, authenticating: context)
        else { return nil }
        return String(validating: secret, as: UTF8.self)
    }
}
