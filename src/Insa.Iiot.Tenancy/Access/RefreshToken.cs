using System.Buffers.Text;
using System.Security.Cryptography;

namespace Insa.Iiot.Tenancy.Access;

/// <summary>User (16 bytes), session (16), what all tokens of the session share (16), and what is this one's alone (32); base64url.</summary>
internal readonly struct RefreshToken
{
    private const int UserEnd = 16;
    private const int SessionEnd = 32;
    private const int FamilyEnd = 48;
    private const int Length = 80;

    private readonly byte[] _bytes;

    private RefreshToken(byte[] bytes) => _bytes = bytes;

    public string UserId => new Guid(_bytes.AsSpan(0, UserEnd), bigEndian: true).ToString("D");

    /// <summary>Sorts by user, then by age.</summary>
    public string SessionId => PrefixOf(UserId) + new Guid(_bytes.AsSpan(UserEnd, 16), bigEndian: true).ToString("N");

    public byte[] FamilyHash => SHA256.HashData(_bytes.AsSpan(SessionEnd, FamilyEnd - SessionEnd));

    public byte[] SecretHash => SHA256.HashData(_bytes.AsSpan(FamilyEnd));

    public static RefreshToken New(Guid user, Guid session)
    {
        var bytes = new byte[Length];
        user.TryWriteBytes(bytes, bigEndian: true, out _);
        session.TryWriteBytes(bytes.AsSpan(UserEnd), bigEndian: true, out _);
        RandomNumberGenerator.Fill(bytes.AsSpan(SessionEnd));
        return new RefreshToken(bytes);
    }

    public static bool TryParse(string text, out RefreshToken token)
    {
        token = default;
        if (!Base64Url.IsValid(text, out var length) || length != Length)
            return false;
        token = new RefreshToken(Base64Url.DecodeFromChars(text));
        return true;
    }

    public static string PrefixOf(string userId) => userId + ".";

    public static string UserOf(string sessionId) => sessionId[..sessionId.IndexOf('.', StringComparison.Ordinal)];

    public static bool IsOfUser(string sessionId, string userId) => sessionId.StartsWith(PrefixOf(userId), StringComparison.Ordinal);

    public bool IsOfFamily(byte[] hash) => CryptographicOperations.FixedTimeEquals(FamilyHash, hash);

    public bool HasSecret(byte[] hash) => CryptographicOperations.FixedTimeEquals(SecretHash, hash);

    public RefreshToken Next()
    {
        var bytes = _bytes.ToArray();
        RandomNumberGenerator.Fill(bytes.AsSpan(FamilyEnd));
        return new RefreshToken(bytes);
    }

    public override string ToString() => Base64Url.EncodeToString(_bytes);
}
