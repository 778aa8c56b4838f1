using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Insa.Iiot.Tenancy.Audit;

/// <summary>The bytes that are hashed: see docs/audit.md. Changing anything here makes every log that there is wrong.</summary>
/// <remarks>A text is its length in UTF-8 bytes (4 bytes) and these bytes; an optional one has a byte 0 or 1 before it. Numbers are big-endian.</remarks>
internal static class AuditEncoding
{
    public const int SaltBytes = 16;

    private const string Format = "insa.iiot.audit.entry/1";
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";

    // Beside the prefixes 0 and 1 of leaves and nodes: no field's hash is one of those.
    private const byte CommitmentPrefix = 2;

    public static byte[] NewSalt() => RandomNumberGenerator.GetBytes(SaltBytes);

    public static string OriginOf(ControlScope log) => log.IsPlatform ? "platform" : $"tenant/{log.Tenant}";

    public static byte[] Encode(string origin, AuditRecord entry)
    {
        var bytes = new ArrayBufferWriter<byte>();
        AddText(bytes, Format);
        AddText(bytes, origin);
        AddNumber(bytes, entry.Sequence);
        AddNumber(bytes, (entry.Time - DateTime.UnixEpoch).Ticks);
        AddText(bytes, entry.Action);
        AddOptional(bytes, entry.Refusal);
        bytes.Write(entry.Actor.Commit(AuditFields.Actor));
        bytes.Write(entry.Target.Commit(AuditFields.Target));
        bytes.Write(entry.SourceAddress.Commit(AuditFields.SourceAddress));
        bytes.Write(entry.Details.Commit());
        return bytes.WrittenSpan.ToArray();
    }

    public static byte[] Commit(AuditFields field, byte[] salt, string? value)
    {
        var bytes = Begin(field, salt);
        AddOptional(bytes, value);
        return SHA256.HashData(bytes.WrittenSpan);
    }

    public static byte[] Commit(byte[] salt, IReadOnlyList<AuditDetail> details)
    {
        var bytes = Begin(AuditFields.Details, salt);
        AddLength(bytes, details.Count);
        foreach (var detail in details)
        {
            AddText(bytes, detail.Name);
            AddText(bytes, detail.Value);
        }

        return SHA256.HashData(bytes.WrittenSpan);
    }

    public static string ToText(DateTime time) => time.ToString(TimeFormat, CultureInfo.InvariantCulture);

    public static bool TryReadTime(string text, out DateTime time) =>
        DateTime.TryParseExact(
            text,
            TimeFormat,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out time
        );

    private static ArrayBufferWriter<byte> Begin(AuditFields field, byte[] salt)
    {
        var bytes = new ArrayBufferWriter<byte>();
        bytes.Write([CommitmentPrefix, (byte)field]);
        bytes.Write(salt);
        return bytes;
    }

    private static void AddOptional(ArrayBufferWriter<byte> bytes, string? text)
    {
        bytes.Write([text is null ? (byte)0 : (byte)1]);
        if (text is not null)
            AddText(bytes, text);
    }

    private static void AddText(ArrayBufferWriter<byte> bytes, string text)
    {
        AddLength(bytes, Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, bytes);
    }

    private static void AddNumber(ArrayBufferWriter<byte> bytes, long number)
    {
        BinaryPrimitives.WriteInt64BigEndian(bytes.GetSpan(sizeof(long)), number);
        bytes.Advance(sizeof(long));
    }

    private static void AddLength(ArrayBufferWriter<byte> bytes, int length)
    {
        BinaryPrimitives.WriteInt32BigEndian(bytes.GetSpan(sizeof(int)), length);
        bytes.Advance(sizeof(int));
    }
}
