using System.Buffers.Binary;
using System.Text;

namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Packs the values of a frame into a blob.</summary>
/// <remarks>
/// Format 0, all doubles: 8 bytes each, IEEE 754, little-endian. Format 1: per value a byte with its <see cref="TelemetryValueKind"/>,
/// then 8 bytes little-endian (double, long), 1 byte (bool), or a 4-byte little-endian length and UTF-8 (text, JSON).
/// </remarks>
internal static class FrameCodec
{
    public const int Doubles = 0;
    public const int Tagged = 1;

    /// <summary>The bytes that <see cref="Write"/> needs.</summary>
    public static int SizeOf(TelemetryFrame frame, out int format)
    {
        format = frame.Kinds.ContainsAnyExcept(TelemetryValueKind.Double) ? Tagged : Doubles;
        if (format == Doubles)
            return frame.Count * sizeof(double);
        var size = frame.Count;
        for (var i = 0; i < frame.Count; i++)
        {
            size += frame.Kinds[i] switch
            {
                TelemetryValueKind.Double or TelemetryValueKind.Long => sizeof(long),
                TelemetryValueKind.Bool => 1,
                _ => sizeof(int) + frame.GetUtf8(i).Length,
            };
        }

        return size;
    }

    public static void Write(TelemetryFrame frame, int format, Span<byte> target)
    {
        for (var i = 0; i < frame.Count; i++)
        {
            if (format == Tagged)
            {
                target[0] = (byte)frame.Kinds[i];
                target = target[1..];
            }

            switch (frame.Kinds[i])
            {
                case TelemetryValueKind.Double or TelemetryValueKind.Long:
                    BinaryPrimitives.WriteInt64LittleEndian(target, frame.Bits[i]);
                    target = target[sizeof(long)..];
                    break;
                case TelemetryValueKind.Bool:
                    target[0] = (byte)frame.Bits[i];
                    target = target[1..];
                    break;
                default:
                    var text = frame.GetUtf8(i);
                    BinaryPrimitives.WriteInt32LittleEndian(target, text.Length);
                    text.CopyTo(target[sizeof(int)..]);
                    target = target[(sizeof(int) + text.Length)..];
                    break;
            }
        }
    }

    /// <summary>Reads the values back.</summary>
    /// <returns><see langword="false"/> if the blob does not hold exactly <paramref name="values"/>' length of them.</returns>
    public static bool TryRead(int format, ReadOnlySpan<byte> blob, Span<TelemetryValue> values)
    {
        foreach (ref var value in values)
        {
            var kind = TelemetryValueKind.Double;
            if (format == Tagged)
            {
                if (blob.IsEmpty)
                    return false;
                kind = (TelemetryValueKind)blob[0];
                blob = blob[1..];
            }

            if (!TryReadValue(kind, ref blob, out value))
                return false;
        }

        return blob.IsEmpty;
    }

    private static bool TryReadValue(TelemetryValueKind kind, ref ReadOnlySpan<byte> blob, out TelemetryValue value)
    {
        value = default;
        switch (kind)
        {
            case TelemetryValueKind.Double or TelemetryValueKind.Long:
                if (!BinaryPrimitives.TryReadInt64LittleEndian(blob, out var bits))
                    return false;
                value = kind == TelemetryValueKind.Long ? TelemetryValue.Of(bits) : TelemetryValue.Of(BitConverter.Int64BitsToDouble(bits));
                blob = blob[sizeof(long)..];
                return true;
            case TelemetryValueKind.Bool:
                if (blob.IsEmpty)
                    return false;
                value = TelemetryValue.Of(blob[0] != 0);
                blob = blob[1..];
                return true;
            case TelemetryValueKind.Text or TelemetryValueKind.Json:
                if (!BinaryPrimitives.TryReadInt32LittleEndian(blob, out var length) || length < 0 || length > blob.Length - sizeof(int))
                    return false;
                var text = Encoding.UTF8.GetString(blob.Slice(sizeof(int), length));
                value = kind == TelemetryValueKind.Text ? TelemetryValue.OfText(text) : TelemetryValue.OfJson(text);
                blob = blob[(sizeof(int) + length)..];
                return true;
            default:
                return false;
        }
    }
}
