namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>Reads one object, or an array of them, of the form <c>{"device_id":"…","data":{…},"timestamp":…,"quality":"good"}</c>.</summary>
/// <remarks>
/// Keys come in any order and unknown ones are ignored. Data is written as it is read, unless the message has a quality: that may
/// follow the data, so the data is then passed over and read after the other keys.
/// </remarks>
internal sealed class PlatformJsonDecoder : ITelemetryDecoder
{
    public PayloadFormat Format => PayloadFormat.Json;

    public IngestReason Decode(in TelemetryMessage message, TelemetryFrameWriter writer)
    {
        var cursor = new JsonCursor(message.Payload);
        try
        {
            // An escape may hide the word.
            var hasQuality = message.Payload.IndexOf("quality"u8) >= 0 || message.Payload.Contains((byte)'\\');
            var reason = cursor.Peek() switch
            {
                0 => IngestReason.Empty,
                (byte)'{' => ReadFrame(ref cursor, writer, hasQuality, 1),
                (byte)'[' => ReadFrames(ref cursor, writer, hasQuality),
                _ => IngestReason.Malformed,
            };
            return reason == IngestReason.None && !cursor.AtEnd() ? IngestReason.Malformed : reason;
        }
        finally
        {
            cursor.Dispose();
        }
    }

    private static IngestReason ReadFrames(ref JsonCursor cursor, TelemetryFrameWriter writer, bool hasQuality)
    {
        cursor.Position++;
        var first = true;
        bool malformed;
        while (cursor.TryNext((byte)']', ref first, out malformed))
        {
            var reason = cursor.Peek() == '{' ? ReadFrame(ref cursor, writer, hasQuality, 2) : IngestReason.Malformed;
            if (reason != IngestReason.None)
                return reason;
        }

        if (malformed)
            return IngestReason.Malformed;
        return first ? IngestReason.Empty : IngestReason.None;
    }

    private static IngestReason ReadFrame(ref JsonCursor cursor, TelemetryFrameWriter writer, bool hasQuality, int depth)
    {
        cursor.Position++;
        var first = true;
        bool malformed;
        var frame = new PlatformFrame();
        while (cursor.TryNext((byte)'}', ref first, out malformed))
        {
            if (!cursor.TryReadKey(out var text) || !frame.TryMark(text, out var key))
                return IngestReason.Malformed;
            if (key == PlatformKey.Data)
            {
                if (cursor.Peek() != '{')
                    return IngestReason.Malformed;
                frame.DataAt = cursor.Position;
            }

            var reason = key switch
            {
                PlatformKey.Data when !hasQuality => ReadData(ref cursor, writer, TelemetryQuality.Good, depth + 1),
                PlatformKey.Device => ReadDevice(ref cursor, writer),
                PlatformKey.Timestamp => ReadTimestamp(ref cursor, writer),
                PlatformKey.Quality => cursor.TryReadString(out var quality) ? frame.SetQuality(quality) : IngestReason.Malformed,
                _ => cursor.Skip(depth),
            };
            if (reason != IngestReason.None)
                return reason;
        }

        if (malformed)
            return IngestReason.Malformed;
        if (!frame.HasData)
            return IngestReason.Empty;
        if (hasQuality)
        {
            var end = cursor.Position;
            cursor.Position = frame.DataAt;
            var reason = ReadData(ref cursor, writer, frame.Quality, depth + 1);
            if (reason != IngestReason.None)
                return reason;
            cursor.Position = end;
        }

        return writer.EndFrame();
    }

    private static IngestReason ReadDevice(ref JsonCursor cursor, TelemetryFrameWriter writer)
    {
        if (cursor.Peek() == 'n')
            return cursor.Skip(0);
        if (!cursor.TryReadString(out var device))
            return IngestReason.Malformed;
        // An empty id names no device: the addressed one stays.
        return device.IsEmpty ? IngestReason.None : writer.SetDevice(device);
    }

    private static IngestReason ReadTimestamp(ref JsonCursor cursor, TelemetryFrameWriter writer)
    {
        switch (cursor.Peek())
        {
            case (byte)'n':
                return cursor.Skip(0);
            case (byte)'"':
                if (!cursor.TryReadString(out var text))
                    return IngestReason.Malformed;
                return Timestamps.TryParse(text, out var ticks) ? writer.SetTimestamp(ticks) : IngestReason.TimestampInvalid;
            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
                var reason = cursor.ReadNumber(out var milliseconds, out _, out _);
                return reason == IngestReason.None ? writer.SetTimestamp(Timestamps.FromUnix(milliseconds, 1000)) : reason;
            default:
                return IngestReason.TimestampInvalid;
        }
    }

    private static IngestReason ReadData(ref JsonCursor cursor, TelemetryFrameWriter writer, TelemetryQuality quality, int depth)
    {
        Span<byte> path = stackalloc byte[TelemetryLimits.MaxNameBytes];
        return ReadMembers(ref cursor, writer, quality, depth, path, 0);
    }

    private static IngestReason ReadMembers(
        ref JsonCursor cursor,
        TelemetryFrameWriter writer,
        TelemetryQuality quality,
        int depth,
        scoped Span<byte> path,
        int prefix
    )
    {
        if (depth > TelemetryLimits.MaxDepth)
            return IngestReason.TooDeep;
        cursor.Position++;
        var first = true;
        bool malformed;
        while (cursor.TryNext((byte)'}', ref first, out malformed))
        {
            if (!cursor.TryReadKey(out var key))
                return IngestReason.Malformed;
            scoped ReadOnlySpan<byte> name;
            if (!MetricPath.TryName(path, prefix, key, out name))
                return IngestReason.NameTooLong;
            IngestReason reason;
            if (cursor.Peek() == '{')
            {
                reason = MetricPath.Open(path, key, name);
                if (reason != IngestReason.None)
                    return reason;
                reason = ReadMembers(ref cursor, writer, quality, depth + 1, path, name.Length + 1);
            }
            else
            {
                reason = ReadValue(ref cursor, writer, quality, depth, name);
            }

            if (reason != IngestReason.None)
                return reason;
        }

        return malformed ? IngestReason.Malformed : IngestReason.None;
    }

    private static IngestReason ReadValue(
        ref JsonCursor cursor,
        TelemetryFrameWriter writer,
        TelemetryQuality quality,
        int depth,
        scoped ReadOnlySpan<byte> name
    )
    {
        IngestReason reason;
        var start = cursor.Position;
        switch (cursor.Peek())
        {
            case (byte)'"':
                return cursor.TryReadString(out var text) ? writer.AddText(name, text, quality) : IngestReason.Malformed;
            case (byte)'t':
                return cursor.TryTakeLiteral("true"u8) ? writer.AddBool(name, true, quality) : IngestReason.Malformed;
            case (byte)'f':
                return cursor.TryTakeLiteral("false"u8) ? writer.AddBool(name, false, quality) : IngestReason.Malformed;
            case (byte)'n':
                return cursor.Skip(depth);
            case (byte)'[':
                reason = cursor.Skip(depth);
                return reason == IngestReason.None ? writer.AddJson(name, cursor.Since(start), quality) : reason;
            default:
                reason = cursor.ReadNumber(out var value, out var integer, out var isInteger);
                if (reason != IngestReason.None)
                    return reason;
                return isInteger && integer is > 1L << 53 or < -(1L << 53)
                    ? writer.AddLong(name, integer, quality)
                    : writer.AddDouble(name, value, quality);
        }
    }
}
