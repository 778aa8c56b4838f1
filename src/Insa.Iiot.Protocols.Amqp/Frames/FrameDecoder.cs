using System.Buffers;
using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>Reads messages of frames that another host of ours has written: nobody else may speak this format.</summary>
internal sealed class FrameDecoder : ITelemetryDecoder
{
    private const int MinLayoutBytes = 2 + MinNameBytes;
    private const int MinNameBytes = 2;
    private const int MaxOnStack = 256;

    /// <summary>The format.</summary>
    public static PayloadFormat Frames { get; } = new(FrameFormat.MediaType);

    public PayloadFormat Format => Frames;

    public IngestReason Decode(in TelemetryMessage message, TelemetryFrameWriter writer)
    {
        if (!writer.IsAdmitted)
            return IngestReason.UnsupportedFormat;
        var payload = message.Payload;
        if (!FrameHeader.TryRead(payload, out var header))
            return IngestReason.Malformed;

        // What does not even fit is not to size anything.
        if ((header.LayoutCount * MinLayoutBytes) + (header.DeviceCount * MinNameBytes) > payload.Length)
            return IngestReason.Malformed;
        var count = header.LayoutCount + header.DeviceCount;
        if (count <= MaxOnStack)
            return Decode(payload, header, stackalloc int[count], writer);
        var rented = ArrayPool<int>.Shared.Rent(count);
        try
        {
            return Decode(payload, header, rented.AsSpan(0, count), writer);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(rented);
        }
    }

    // The tables' entries are found once, and read where they lie.
    private static IngestReason Decode(ReadOnlySpan<byte> payload, in FrameHeader header, Span<int> offsets, TelemetryFrameWriter writer)
    {
        var layouts = offsets[..header.LayoutCount];
        var devices = offsets[header.LayoutCount..];
        var at = FrameHeader.Length;
        if (!TryFindLayouts(payload, layouts, ref at) || !TryFindDevices(payload, devices, ref at))
            return IngestReason.Malformed;
        for (var i = 0; i < header.FrameCount; i++)
        {
            var reason = ReadFrame(payload, layouts, devices, ref at, writer);
            if (reason != IngestReason.None)
                return reason;
        }

        return at == payload.Length ? IngestReason.None : IngestReason.Malformed;
    }

    private static bool TryFindLayouts(ReadOnlySpan<byte> payload, Span<int> layouts, ref int at)
    {
        foreach (ref var layout in layouts)
        {
            layout = at;
            if (payload.Length - at < 2)
                return false;
            var metrics = BinaryPrimitives.ReadUInt16LittleEndian(payload[at..]);
            at += 2;
            if (metrics == 0)
                return false;
            for (var i = 0; i < metrics; i++)
            {
                if (!TrySkipName(payload, ref at))
                    return false;
            }
        }

        return true;
    }

    private static bool TryFindDevices(ReadOnlySpan<byte> payload, Span<int> devices, ref int at)
    {
        foreach (ref var device in devices)
        {
            device = at;
            if (!TrySkipName(payload, ref at))
                return false;
        }

        return true;
    }

    private static bool TrySkipName(ReadOnlySpan<byte> payload, ref int at)
    {
        if (at >= payload.Length || payload[at] == 0 || payload.Length - at - 1 < payload[at])
            return false;
        at += 1 + payload[at];
        return true;
    }

    // A name of a table whose end is known to be there.
    private static ReadOnlySpan<byte> NameAt(ReadOnlySpan<byte> payload, int at) => payload.Slice(at + 1, payload[at]);

    private static IngestReason ReadFrame(
        ReadOnlySpan<byte> payload,
        ReadOnlySpan<int> layouts,
        ReadOnlySpan<int> devices,
        ref int at,
        TelemetryFrameWriter writer
    )
    {
        if (payload.Length - at < FrameFormat.FrameHeadBytes)
            return IngestReason.Malformed;
        var head = payload[at..];
        var device = BinaryPrimitives.ReadUInt16LittleEndian(head[8..]);
        var layout = BinaryPrimitives.ReadUInt16LittleEndian(head[10..]);
        var content = head[12];
        if (device >= devices.Length || layout >= layouts.Length || content > (FrameFormat.HasKinds | FrameFormat.HasQualities))
            return IngestReason.Malformed;
        if (!FrameFormat.TryToTicks(BinaryPrimitives.ReadInt64LittleEndian(head), out var ticks))
            return IngestReason.TimestampInvalid;
        at += FrameFormat.FrameHeadBytes;
        var reason = writer.SetDevice(NameAt(payload, devices[device]));
        if (reason == IngestReason.None)
            reason = writer.SetTimestamp(ticks);
        if (reason == IngestReason.None)
            reason = ReadValues(payload, layouts[layout], content, ref at, writer);
        return reason == IngestReason.None ? writer.EndFrame() : reason;
    }

    private static IngestReason ReadValues(ReadOnlySpan<byte> payload, int layout, byte content, ref int at, TelemetryFrameWriter writer)
    {
        int count = BinaryPrimitives.ReadUInt16LittleEndian(payload[layout..]);
        var name = layout + 2;
        ReadOnlySpan<byte> kinds = default;
        ReadOnlySpan<byte> qualities = default;
        if ((content & FrameFormat.HasKinds) != 0 && !TryTake(payload, count, ref at, out kinds))
            return IngestReason.Malformed;
        if ((content & FrameFormat.HasQualities) != 0 && !TryTake(payload, count, ref at, out qualities))
            return IngestReason.Malformed;
        if (!TryTake(payload, count * sizeof(long), ref at, out var values))
            return IngestReason.Malformed;
        for (var i = 0; i < count; i++)
        {
            var kind = kinds.IsEmpty ? TelemetryValueKind.Double : (TelemetryValueKind)kinds[i];
            var quality = qualities.IsEmpty ? TelemetryQuality.Good : (TelemetryQuality)qualities[i];
            var bits = BinaryPrimitives.ReadInt64LittleEndian(values[(i * sizeof(long))..]);
            var reason = Add(writer, NameAt(payload, name), kind, bits, quality, payload, ref at);
            if (reason != IngestReason.None)
                return reason;
            name += 1 + payload[name];
        }

        return IngestReason.None;
    }

    private static IngestReason Add(
        TelemetryFrameWriter writer,
        ReadOnlySpan<byte> metric,
        TelemetryValueKind kind,
        long bits,
        TelemetryQuality quality,
        ReadOnlySpan<byte> payload,
        ref int at
    )
    {
        switch (kind)
        {
            case TelemetryValueKind.Double:
                return writer.AddDouble(metric, BitConverter.Int64BitsToDouble(bits), quality);
            case TelemetryValueKind.Long:
                return writer.AddLong(metric, bits, quality);
            case TelemetryValueKind.Bool when bits is 0 or 1:
                return writer.AddBool(metric, bits == 1, quality);
            case TelemetryValueKind.Text or TelemetryValueKind.Json when bits >= 0 && bits <= payload.Length - at:
                TryTake(payload, (int)bits, ref at, out var utf8);
                return kind == TelemetryValueKind.Text ? writer.AddText(metric, utf8, quality) : writer.AddJson(metric, utf8, quality);
            default:
                return IngestReason.Malformed;
        }
    }

    private static bool TryTake(ReadOnlySpan<byte> payload, int length, scoped ref int at, out ReadOnlySpan<byte> taken)
    {
        taken = default;
        if (payload.Length - at < length)
            return false;
        taken = payload.Slice(at, length);
        at += length;
        return true;
    }
}
