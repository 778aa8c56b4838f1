using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.Tenancy.Audit;

namespace Insa.Iiot.Tenancy;

/// <summary>A signed statement of what an audit log was. Keep its text where those who run the platform cannot change it.</summary>
/// <remarks>Its layout is described in <c>docs/audit.md</c>.</remarks>
public sealed class AuditCheckpoint
{
    private const string Format = "insa.iiot.audit.checkpoint/1";
    private const string SignatureLabel = "signature ";
    private const int MaxLength = 1024;

    private readonly string _statement;
    private readonly byte[] _signature;

    private AuditCheckpoint(string origin, long size, ReadOnlyMemory<byte> rootHash, DateTime time, string keyId, byte[] signature)
    {
        (Origin, Size, RootHash, Time, KeyId, _signature) = (origin, size, rootHash, time, keyId, signature);
        _statement = StatementOf(origin, size, rootHash.Span, time, keyId);
    }

    /// <summary>Which log: <c>platform</c>, or <c>tenant/</c> and the tenant's id.</summary>
    public string Origin { get; }

    /// <summary>How many entries it had: the sequence of its last one.</summary>
    public long Size { get; }

    /// <summary>The root of its Merkle tree (RFC 9162 §2.1.1), 32 bytes.</summary>
    public ReadOnlyMemory<byte> RootHash { get; }

    /// <summary>When it was signed, UTC.</summary>
    public DateTime Time { get; }

    /// <summary>The <see cref="AuditPublicKey.Id"/> of the key that signed it.</summary>
    public string KeyId { get; }

    /// <summary>Reads a checkpoint's text. Whether it was signed by a key is for <see cref="IsSignedBy"/> to say.</summary>
    /// <returns><see langword="false"/> if it is none.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out AuditCheckpoint? checkpoint)
    {
        checkpoint = null;
        if (text is null || text.Length > MaxLength)
            return false;
        var lines = text.Split('\n');
        if (
            lines is not [Format, var originLine, var sizeLine, var rootLine, var timeLine, var keyLine, var signatureLine, ""]
            || !TryRead(originLine, "origin ", out var origin)
            || !TryRead(sizeLine, "size ", out var sizeText)
            || !TryRead(rootLine, "root ", out var rootText)
            || !TryRead(timeLine, "time ", out var timeText)
            || !TryRead(keyLine, "key ", out var key)
            || !TryRead(signatureLine, SignatureLabel, out var signatureText)
            || !long.TryParse(sizeText, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            || !AuditEncoding.TryReadTime(timeText, out var time)
            || !TryReadBase64(rootText, out var root)
            || !TryReadBase64(signatureText, out var signature)
            || root.Length != MerkleHash.Length
        )
            return false;
        var read = new AuditCheckpoint(origin, size, root, time, key, signature);
        if (read.ToString() != text)
            return false;
        checkpoint = read;
        return true;
    }

    /// <summary>Whether the key signed it.</summary>
    public bool IsSignedBy(AuditPublicKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Id == KeyId && IsSignedWith(key.SubjectPublicKeyInfo.Span);
    }

    /// <returns>The text to keep: ASCII, seven lines.</returns>
    public override string ToString() => $"{_statement}{SignatureLabel}{Convert.ToBase64String(_signature)}\n";

    internal static AuditCheckpoint Sign(string origin, long size, byte[] rootHash, DateTime time, string keyId, ECDsa key)
    {
        var statement = StatementOf(origin, size, rootHash, time, keyId);
        return new AuditCheckpoint(origin, size, rootHash, time, keyId, AuditSignature.Make(key, statement));
    }

    internal bool IsSignedWith(ReadOnlySpan<byte> subjectPublicKeyInfo) =>
        AuditSignature.IdOf(subjectPublicKeyInfo) == KeyId && AuditSignature.Matches(subjectPublicKeyInfo, _statement, _signature);

    private static string StatementOf(string origin, long size, ReadOnlySpan<byte> rootHash, DateTime time, string keyId) =>
        new StringBuilder(Format)
            .Append(CultureInfo.InvariantCulture, $"\norigin {origin}\nsize {size}\nroot {Convert.ToBase64String(rootHash)}")
            .Append(CultureInfo.InvariantCulture, $"\ntime {AuditEncoding.ToText(time)}\nkey {keyId}\n")
            .ToString();

    private static bool TryRead(string line, string label, out string value)
    {
        var matches = line.StartsWith(label, StringComparison.Ordinal);
        value = matches ? line[label.Length..] : "";
        return matches;
    }

    private static bool TryReadBase64(string text, out byte[] bytes)
    {
        bytes = new byte[text.Length];
        var isValid = Convert.TryFromBase64String(text, bytes, out var length);
        bytes = bytes[..length];
        return isValid;
    }
}
