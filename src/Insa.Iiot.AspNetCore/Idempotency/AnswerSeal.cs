using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Insa.Iiot.AspNetCore.Idempotency;

/// <summary>Answers may hold secrets that are shown once. They are kept under a key that only who made the request has: the idempotency key.</summary>
internal static class AnswerSeal
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    public static byte[] Close(IdempotencyAnswer answer, string idempotencyKey)
    {
        var plain = JsonSerializer.SerializeToUtf8Bytes(answer, IdempotencyJson.Default.IdempotencyAnswer);
        var sealedAnswer = new byte[NonceBytes + TagBytes + plain.Length];
        RandomNumberGenerator.Fill(sealedAnswer.AsSpan(0, NonceBytes));
        using var aes = Aes(idempotencyKey);
        aes.Encrypt(
            sealedAnswer.AsSpan(0, NonceBytes),
            plain,
            sealedAnswer.AsSpan(NonceBytes + TagBytes),
            sealedAnswer.AsSpan(NonceBytes, TagBytes)
        );
        return sealedAnswer;
    }

    public static IdempotencyAnswer Open(byte[] sealedAnswer, string idempotencyKey)
    {
        var plain = new byte[sealedAnswer.Length - NonceBytes - TagBytes];
        using var aes = Aes(idempotencyKey);
        aes.Decrypt(
            sealedAnswer.AsSpan(0, NonceBytes),
            sealedAnswer.AsSpan(NonceBytes + TagBytes),
            sealedAnswer.AsSpan(NonceBytes, TagBytes),
            plain
        );
        return JsonSerializer.Deserialize(plain, IdempotencyJson.Default.IdempotencyAnswer)!;
    }

    private static AesGcm Aes(string idempotencyKey) =>
        new(
            HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(idempotencyKey), 32, info: "insa-iiot idempotency"u8.ToArray()),
            TagBytes
        );
}
