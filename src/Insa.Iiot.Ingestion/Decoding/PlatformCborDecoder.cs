namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>Reads what <see cref="PlatformJsonDecoder"/> reads, written in CBOR (RFC 8949): a map, or an array of maps.</summary>
/// <remarks>
/// What JSON does not have: a byte string is stored as base64url text (RFC 8949 §6.1); undefined counts as null; a timestamp may be tagged
/// as date and time (0) or as seconds since 1970 (1); in data, decimal fractions (4) and bigfloats (5) are numbers, bignums (2, 3) are refused
/// and other tags passed over. Keys are text.
/// </remarks>
internal sealed class PlatformCborDecoder : ITelemetryDecoder
{
    private const ulong DateTimeTag = 0;
    private const ulong EpochTag = 1;
    private const ulong SelfDescribedTag = 55799;

    public PayloadFormat Format => PayloadFormat.Cbor;

    public IngestReason Decode(in TelemetryMessage message, TelemetryFrameWriter writer)
    {
        if (message.Payload.IsEmpty)
            return IngestReason.Empty;
        var cursor = new CborCursor(message.Payload);
        var json = default(JsonText);
        try
        {
            var hasQuality = message.Payload.IndexOf("quality"u8) >= 0 || MayHideQuality(message.Payload);
            if (!cursor.TryReadHead(out var head) || (IsTag(head, SelfDescribedTag) && !cursor.TryReadHead(out head)))
                return IngestReason.Malformed;
            var reason = head.Major switch
            {
                CborHead.Map => ReadFrame(ref cursor, ref json, writer, head, hasQuality, 1),
                CborHead.Array => ReadFrames(ref cursor, ref json, writer, head, hasQuality),
                _ => IngestReason.Malformed,
            };
            return reason == IngestReason.None && !cursor.AtEnd ? IngestReason.Malformed : reason;
        }
        finally
        {
            json.Dispose();
            cursor.Dispose();
        }
    }

    // A text in chunks may hide the word: its first chunk is then of 0 to 7 bytes, or says its length in bytes of its own.
    private static bool MayHideQuality(ReadOnlySpan<byte> cbor)
    {
        for (int at; (at = cbor.IndexOf((byte)0x7F)) >= 0; )
        {
            cbor = cbor[(at + 1)..];
            if (!cbor.IsEmpty && cbor[0] is (>= 0x60 and <= 0x67) or (>= 0x78 and <= 0x7B))
                return true;
        }

        return false;
    }

    private static bool IsTag(CborHead head, ulong tag) => head.Major == CborHead.Tag && head.Argument == tag;

    private static IngestReason ReadFrames(
        ref CborCursor cursor,
        ref JsonText json,
        TelemetryFrameWriter writer,
        CborHead array,
        bool hasQuality
    )
    {
        for (ulong taken = 0; cursor.TryNext(array, ref taken); )
        {
            if (!cursor.TryReadHead(out var map) || map.Major != CborHead.Map)
                return IngestReason.Malformed;
            var reason = ReadFrame(ref cursor, ref json, writer, map, hasQuality, 2);
            if (reason != IngestReason.None)
                return reason;
        }

        return writer.FrameCount == 0 ? IngestReason.Empty : IngestReason.None;
    }

    private static IngestReason ReadFrame(
        ref CborCursor cursor,
        ref JsonText json,
        TelemetryFrameWriter writer,
        CborHead map,
        bool hasQuality,
        int depth
    )
    {
        var frame = new PlatformFrame();
        for (ulong taken = 0; cursor.TryNext(map, ref taken); )
        {
            if (!TryReadKey(ref cursor, out var text) || !frame.TryMark(text, out var key))
                return IngestReason.Malformed;
            if (key == PlatformKey.Data)
                frame.DataAt = cursor.Position;
            var reason = key switch
            {
                PlatformKey.Data when !hasQuality => ReadData(ref cursor, ref json, writer, TelemetryQuality.Good, depth + 1),
                PlatformKey.Device => ReadDevice(ref cursor, writer),
                PlatformKey.Timestamp => ReadTimestamp(ref cursor, writer),
                PlatformKey.Quality => ReadQuality(ref cursor, ref frame),
                _ => cursor.Skip(depth),
            };
            if (reason != IngestReason.None)
                return reason;
        }

        if (!frame.HasData)
            return IngestReason.Empty;
        if (hasQuality)
        {
            var end = cursor.Position;
            cursor.Position = frame.DataAt;
            var reason = ReadData(ref cursor, ref json, writer, frame.Quality, depth + 1);
            if (reason != IngestReason.None)
                return reason;
            cursor.Position = end;
        }

        return writer.EndFrame();
    }

    private static bool TryReadKey(ref CborCursor cursor, out ReadOnlySpan<byte> key)
    {
        key = default;
        return cursor.TryReadHead(out var head) && head.Major == CborHead.TextString && cursor.TryReadString(head, out key);
    }

    private static IngestReason ReadDevice(ref CborCursor cursor, TelemetryFrameWriter writer)
    {
        if (!cursor.TryReadHead(out var head))
            return IngestReason.Malformed;
        if (head.IsNothing)
            return IngestReason.None;
        if (head.Major != CborHead.TextString || !cursor.TryReadString(head, out var device))
            return IngestReason.Malformed;
        // An empty id names no device: the addressed one stays.
        return device.IsEmpty ? IngestReason.None : writer.SetDevice(device);
    }

    private static IngestReason ReadTimestamp(ref CborCursor cursor, TelemetryFrameWriter writer)
    {
        if (!cursor.TryReadHead(out var head))
            return IngestReason.Malformed;
        if (head.IsNothing)
            return IngestReason.None;
        var microsecondsEach = 1000.0;
        if (IsTag(head, DateTimeTag))
        {
            if (!cursor.TryReadHead(out head))
                return IngestReason.Malformed;
            if (head.Major != CborHead.TextString)
                return IngestReason.TimestampInvalid;
        }
        else if (IsTag(head, EpochTag))
        {
            if (!cursor.TryReadHead(out head))
                return IngestReason.Malformed;
            if (head.Major == CborHead.TextString)
                return IngestReason.TimestampInvalid;
            microsecondsEach = 1_000_000;
        }

        if (head.Major == CborHead.TextString)
        {
            if (!cursor.TryReadString(head, out var text))
                return IngestReason.Malformed;
            return Timestamps.TryParse(text, out var ticks) ? writer.SetTimestamp(ticks) : IngestReason.TimestampInvalid;
        }

        if (!cursor.TryReadNumber(head, out var count))
            return IngestReason.TimestampInvalid;
        return double.IsFinite(count) ? writer.SetTimestamp(Timestamps.FromUnix(count, microsecondsEach)) : IngestReason.NotFinite;
    }

    private static IngestReason ReadQuality(ref CborCursor cursor, ref PlatformFrame frame) =>
        cursor.TryReadHead(out var head) && head.Major == CborHead.TextString && cursor.TryReadString(head, out var text)
            ? frame.SetQuality(text)
            : IngestReason.Malformed;

    private static IngestReason ReadData(
        ref CborCursor cursor,
        ref JsonText json,
        TelemetryFrameWriter writer,
        TelemetryQuality quality,
        int depth
    )
    {
        if (!cursor.TryReadHead(out var map) || map.Major != CborHead.Map)
            return IngestReason.Malformed;
        Span<byte> path = stackalloc byte[TelemetryLimits.MaxNameBytes];
        return ReadMembers(ref cursor, ref json, writer, map, quality, depth, path, 0);
    }

    private static IngestReason ReadMembers(
        ref CborCursor cursor,
        ref JsonText json,
        TelemetryFrameWriter writer,
        CborHead map,
        TelemetryQuality quality,
        int depth,
        scoped Span<byte> path,
        int prefix
    )
    {
        if (depth > TelemetryLimits.MaxDepth)
            return IngestReason.TooDeep;
        for (ulong taken = 0; cursor.TryNext(map, ref taken); )
        {
            if (!TryReadKey(ref cursor, out var key))
                return IngestReason.Malformed;
            scoped ReadOnlySpan<byte> name;
            if (!MetricPath.TryName(path, prefix, key, out name))
                return IngestReason.NameTooLong;
            var within = depth;
            var reason = ReadValueHead(ref cursor, out var head, ref within);
            if (reason != IngestReason.None)
                return reason;
            if (head.Major == CborHead.Map)
            {
                reason = MetricPath.Open(path, key, name);
                if (reason != IngestReason.None)
                    return reason;
                reason = ReadMembers(ref cursor, ref json, writer, head, quality, within + 1, path, name.Length + 1);
            }
            else
            {
                reason = ReadValue(ref cursor, ref json, writer, head, quality, within, name);
            }

            if (reason != IngestReason.None)
                return reason;
        }

        return IngestReason.None;
    }

    /// <summary>Reads the head of a value, behind the tags that say nothing here; each counts towards the depth.</summary>
    private static IngestReason ReadValueHead(ref CborCursor cursor, out CborHead head, ref int depth)
    {
        while (cursor.TryReadHead(out head))
        {
            if (head.Major != CborHead.Tag)
                return IngestReason.None;

            // The tag and its pair, as they count where they are passed over.
            if (head.Argument is 4 or 5)
                return depth + 2 <= TelemetryLimits.MaxDepth ? IngestReason.None : IngestReason.TooDeep;
            if (head.Argument is 2 or 3)
                return IngestReason.Malformed;
            if (++depth > TelemetryLimits.MaxDepth)
                return IngestReason.TooDeep;
        }

        return IngestReason.Malformed;
    }

    private static IngestReason ReadValue(
        ref CborCursor cursor,
        ref JsonText json,
        TelemetryFrameWriter writer,
        CborHead head,
        TelemetryQuality quality,
        int depth,
        scoped ReadOnlySpan<byte> name
    )
    {
        switch (head)
        {
            case { IsNothing: true }:
                return IngestReason.None;
            case { Initial: CborHead.False or CborHead.True }:
                return writer.AddBool(name, head.Initial == CborHead.True, quality);
            case { Major: CborHead.TextString }:
                return cursor.TryReadString(head, out var text) ? writer.AddText(name, text, quality) : IngestReason.Malformed;
            case { Major: CborHead.ByteString }:
                return cursor.TryReadString(head, out var bytes)
                    ? writer.AddText(name, cursor.ToBase64Url(bytes), quality)
                    : IngestReason.Malformed;
            case { Major: CborHead.Array }:
                json.Clear();
                var reason = WriteJson(ref cursor, ref json, head, depth);
                return reason == IngestReason.None ? writer.AddJson(name, json.Written, quality) : reason;
            // As in JSON: what a double holds exactly is one, so that a metric keeps one type.
            case { Major: CborHead.UnsignedInteger, Argument: > 1UL << 53 and <= long.MaxValue }:
                return writer.AddLong(name, (long)head.Argument, quality);
            case { Major: CborHead.NegativeInteger, Argument: >= 1UL << 53 and <= long.MaxValue }:
                return writer.AddLong(name, -1 - (long)head.Argument, quality);
            default:
                return cursor.TryReadNumber(head, out var number) ? writer.AddDouble(name, number, quality) : IngestReason.Malformed;
        }
    }

    private static IngestReason WriteJson(ref CborCursor cursor, ref JsonText json, CborHead head, int depth)
    {
        switch (head)
        {
            case { IsNothing: true }:
                json.Add("null"u8);
                return IngestReason.None;
            case { Initial: CborHead.False }:
                json.Add("false"u8);
                return IngestReason.None;
            case { Initial: CborHead.True }:
                json.Add("true"u8);
                return IngestReason.None;
            case { Major: CborHead.TextString or CborHead.ByteString }:
                if (!cursor.TryReadString(head, out var bytes))
                    return IngestReason.Malformed;
                json.AddString(head.Major == CborHead.TextString ? bytes : cursor.ToBase64Url(bytes));
                return IngestReason.None;
            case { Major: CborHead.Array or CborHead.Map }:
                return depth >= TelemetryLimits.MaxDepth ? IngestReason.TooDeep : WriteContainer(ref cursor, ref json, head, depth + 1);
            case { Major: CborHead.UnsignedInteger }:
                json.AddInteger(head.Argument);
                return IngestReason.None;
            case { Major: CborHead.NegativeInteger }:
                json.AddInteger(-1 - (Int128)head.Argument);
                return IngestReason.None;
            default:
                if (!cursor.TryReadNumber(head, out var number))
                    return IngestReason.Malformed;
                if (!double.IsFinite(number))
                    return IngestReason.NotFinite;
                json.AddNumber(number);
                return IngestReason.None;
        }
    }

    private static IngestReason WriteContainer(ref CborCursor cursor, ref JsonText json, CborHead container, int depth)
    {
        var isMap = container.Major == CborHead.Map;
        json.Add(isMap ? (byte)'{' : (byte)'[');
        var isFirst = true;
        for (ulong taken = 0; cursor.TryNext(container, ref taken); isFirst = false)
        {
            if (!isFirst)
                json.Add((byte)',');
            if (isMap)
            {
                if (!TryReadKey(ref cursor, out var key))
                    return IngestReason.Malformed;
                json.AddString(key);
                json.Add((byte)':');
            }

            var within = depth;
            var reason = ReadValueHead(ref cursor, out var head, ref within);
            if (reason == IngestReason.None)
                reason = WriteJson(ref cursor, ref json, head, within);
            if (reason != IngestReason.None)
                return reason;
        }

        json.Add(isMap ? (byte)'}' : (byte)']');
        return IngestReason.None;
    }
}
