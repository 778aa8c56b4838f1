using System.Buffers.Binary;
using System.Text;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Packs the values of a frame into the columns <c>vals</c> and <c>extra</c>.</summary>
/// <remarks>
/// <c>vals</c>: 8 bytes per value, big-endian: IEEE 754, the integer, 1 or 0, or for text its offset and length (4 bytes each) within the
/// texts. <c>extra</c>: one byte per value with its <see cref="TelemetryValueKind"/>, one with its <see cref="TelemetryQuality"/>, then the
/// texts in UTF-8; absent for a frame of doubles that are all good, which most are.
/// </remarks>
internal static class FrameCodec
{
    public const int ValueBytes = sizeof(long);

    /// <summary>How many bytes <c>extra</c> takes; 0 if there is none.</summary>
    public static int SizeOfExtra(TelemetryFrame frame)
    {
        var kinds = frame.Kinds;
        if (!kinds.ContainsAnyExcept(TelemetryValueKind.Double) && !frame.Qualities.ContainsAnyExcept(TelemetryQuality.Good))
            return 0;
        var size = 2 * kinds.Length;
        for (var i = 0; i < kinds.Length; i++)
        {
            if (kinds[i] is TelemetryValueKind.Text or TelemetryValueKind.Json)
                size += frame.GetUtf8(i).Length;
        }

        return size;
    }

    /// <summary>Writes both columns.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="vals">As long as the frame has values, times <see cref="ValueBytes"/>.</param>
    /// <param name="extra">As long as <see cref="SizeOfExtra"/> says.</param>
    public static void Write(TelemetryFrame frame, Span<byte> vals, Span<byte> extra)
    {
        var bits = frame.Bits;
        for (var i = 0; i < bits.Length; i++)
            BinaryPrimitives.WriteInt64BigEndian(vals[(i * ValueBytes)..], bits[i]);
        if (extra.IsEmpty)
            return;

        var texts = extra[(2 * bits.Length)..];
        var offset = 0;
        for (var i = 0; i < bits.Length; i++)
        {
            extra[i] = (byte)frame.Kinds[i];
            extra[bits.Length + i] = (byte)frame.Qualities[i];
            if (frame.Kinds[i] is not (TelemetryValueKind.Text or TelemetryValueKind.Json))
                continue;
            var text = frame.GetUtf8(i);
            text.CopyTo(texts[offset..]);
            BinaryPrimitives.WriteInt64BigEndian(vals[(i * ValueBytes)..], ((long)offset << 32) | (uint)text.Length);
            offset += text.Length;
        }
    }

    /// <summary>Reads one value back, without its text.</summary>
    /// <param name="vals">The column, of which the caller has checked that it holds <paramref name="count"/> values.</param>
    /// <param name="extra">The column, empty if absent.</param>
    /// <param name="count">How many values the frame has.</param>
    /// <param name="index">Which of them.</param>
    /// <returns>Its kind, bits and quality.</returns>
    public static (TelemetryValueKind Kind, long Bits, TelemetryQuality Quality) Read(
        ReadOnlySpan<byte> vals,
        ReadOnlySpan<byte> extra,
        int count,
        int index
    )
    {
        var bits = BinaryPrimitives.ReadInt64BigEndian(vals[(index * ValueBytes)..]);
        return extra.IsEmpty
            ? (TelemetryValueKind.Double, bits, TelemetryQuality.Good)
            : ((TelemetryValueKind)extra[index], bits, (TelemetryQuality)extra[count + index]);
    }

    /// <summary>The UTF-8 bytes of a text or JSON value.</summary>
    public static ReadOnlySpan<byte> TextOf(ReadOnlySpan<byte> extra, int count, long bits) =>
        extra.Slice((2 * count) + (int)(bits >> 32), (int)bits);

    /// <summary>Whether the columns are of a frame of <paramref name="count"/> values, with every kind known and every text within.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> vals, ReadOnlySpan<byte> extra, int count)
    {
        if (vals.Length != count * ValueBytes)
            return false;
        if (extra.IsEmpty)
            return true;
        if (extra.Length < 2 * count)
            return false;
        for (var i = 0; i < count; i++)
        {
            var (kind, bits, _) = Read(vals, extra, count, i);
            if (kind > TelemetryValueKind.Json)
                return false;
            if (
                kind is TelemetryValueKind.Text or TelemetryValueKind.Json
                && ((bits >> 32) < 0 || (int)bits < 0 || (bits >> 32) + (int)bits > extra.Length - (2 * count))
            )
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>One value, with its text if it has one.</summary>
    public static TelemetryValue ValueOf(TelemetryValueKind kind, long bits, ReadOnlySpan<byte> text) =>
        kind switch
        {
            TelemetryValueKind.Double => TelemetryValue.Of(BitConverter.Int64BitsToDouble(bits)),
            TelemetryValueKind.Long => TelemetryValue.Of(bits),
            TelemetryValueKind.Bool => TelemetryValue.Of(bits != 0),
            TelemetryValueKind.Text => TelemetryValue.OfText(Encoding.UTF8.GetString(text)),
            _ => TelemetryValue.OfJson(Encoding.UTF8.GetString(text)),
        };
}
