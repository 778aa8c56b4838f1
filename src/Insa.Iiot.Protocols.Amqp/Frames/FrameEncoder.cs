using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>Writes frames of one tenant into messages. Its buffers and tables are used again, so that a frame costs no allocation. Not thread-safe.</summary>
/// <param name="messageBytes">How large a message grows; one frame that is larger has a message of its own.</param>
/// <param name="maxFrameBytes">How large that may be.</param>
internal sealed class FrameEncoder(int messageBytes, int maxFrameBytes)
{
    private readonly Dictionary<TelemetryLayout, ushort> _layouts = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<DeviceId, ushort> _devices = [];
    private readonly ArrayBufferWriter<byte> _layoutTable = new(1024);
    private readonly ArrayBufferWriter<byte> _deviceTable = new(1024);
    private readonly ArrayBufferWriter<byte> _frames = new(messageBytes);
    private TelemetryLayout? _lastLayout;
    private ushort _lastLayoutIndex;
    private ushort _frameCount;

    /// <summary>How many frames the message has so far.</summary>
    public int FrameCount => _frameCount;

    private int SizeBytes => FrameHeader.Length + _layoutTable.WrittenCount + _deviceTable.WrittenCount + _frames.WrittenCount;

    public FrameAddition Add(in TelemetryFrame frame)
    {
        var layout = frame.Layout;
        var isNewLayout = layout != _lastLayout && !_layouts.TryGetValue(layout, out _lastLayoutIndex);
        var isNewDevice = !_devices.TryGetValue(frame.Device, out var device);
        var more = SizeOf(frame) + (isNewLayout ? SizeOf(layout) : 0) + (isNewDevice ? 1 + frame.Device.Value.Length : 0);
        if (_frameCount > 0 && (SizeBytes + more > messageBytes || _frameCount == FrameFormat.MaxCount))
        {
            _lastLayout = null;
            return FrameAddition.Full;
        }

        if (_frameCount == 0 && SizeBytes + more > Math.Max(messageBytes, maxFrameBytes))
            return FrameAddition.TooLarge;
        if (isNewLayout)
            AddLayout(layout);
        _lastLayout = layout;
        if (isNewDevice)
            device = AddDevice(frame.Device);
        Write(frame, device, _lastLayoutIndex);
        _frameCount++;
        return FrameAddition.Added;
    }

    /// <summary>Takes the message and begins the next.</summary>
    /// <param name="arrivalTicks">When the frames are handed over, in UTC ticks.</param>
    /// <param name="buffer">The message, and more behind it, from the shared pool: the caller gives it back.</param>
    /// <returns>How long the message is.</returns>
    public int Take(long arrivalTicks, out byte[] buffer)
    {
        var length = SizeBytes;
        buffer = ArrayPool<byte>.Shared.Rent(length);
        new FrameHeader((ushort)_layouts.Count, (ushort)_devices.Count, _frameCount, FrameFormat.ToMicroseconds(arrivalTicks)).Write(
            buffer
        );
        var rest = buffer.AsSpan(FrameHeader.Length);
        _layoutTable.WrittenSpan.CopyTo(rest);
        rest = rest[_layoutTable.WrittenCount..];
        _deviceTable.WrittenSpan.CopyTo(rest);
        _frames.WrittenSpan.CopyTo(rest[_deviceTable.WrittenCount..]);
        Clear();
        return length;
    }

    /// <summary>Forgets what was added.</summary>
    public void Clear()
    {
        _layouts.Clear();
        _devices.Clear();
        _layoutTable.ResetWrittenCount();
        _deviceTable.ResetWrittenCount();
        _frames.ResetWrittenCount();
        _lastLayout = null;
        _frameCount = 0;
    }

    private static int SizeOf(in TelemetryFrame frame)
    {
        var size = FrameFormat.FrameHeadBytes + (frame.Count * sizeof(long));
        if (frame.Qualities.ContainsAnyExcept(TelemetryQuality.Good))
            size += frame.Count;
        var kinds = frame.Kinds;
        if (!kinds.ContainsAnyExcept(TelemetryValueKind.Double))
            return size;
        size += frame.Count;
        for (var i = 0; i < kinds.Length; i++)
        {
            if (IsText(kinds[i]))
                size += frame.GetUtf8(i).Length;
        }

        return size;
    }

    private static int SizeOf(TelemetryLayout layout)
    {
        var size = 2;
        foreach (var metric in layout.Metrics)
            size += 1 + Encoding.UTF8.GetByteCount(metric);
        return size;
    }

    private static bool IsText(TelemetryValueKind kind) => kind is TelemetryValueKind.Text or TelemetryValueKind.Json;

    private void AddLayout(TelemetryLayout layout)
    {
        _lastLayoutIndex = (ushort)_layouts.Count;
        _layouts.Add(layout, _lastLayoutIndex);
        BinaryPrimitives.WriteUInt16LittleEndian(_layoutTable.GetSpan(2), (ushort)layout.Count);
        _layoutTable.Advance(2);
        for (var i = 0; i < layout.Count; i++)
            WriteName(_layoutTable, layout.Metrics[i]);
    }

    private ushort AddDevice(DeviceId device)
    {
        var index = (ushort)_devices.Count;
        _devices.Add(device, index);
        WriteName(_deviceTable, device.Value);
        return index;
    }

    // A name has 128 bytes at most (TelemetryLimits.MaxNameBytes, DeviceId.MaxLength).
    private static void WriteName(ArrayBufferWriter<byte> table, string name)
    {
        var span = table.GetSpan(1 + Encoding.UTF8.GetMaxByteCount(name.Length));
        var length = Encoding.UTF8.GetBytes(name, span[1..]);
        span[0] = (byte)length;
        table.Advance(1 + length);
    }

    private void Write(in TelemetryFrame frame, ushort device, ushort layout)
    {
        var kinds = frame.Kinds;
        var qualities = frame.Qualities;
        var bits = frame.Bits;
        var hasKinds = kinds.ContainsAnyExcept(TelemetryValueKind.Double);
        var hasQualities = qualities.ContainsAnyExcept(TelemetryQuality.Good);
        var head = _frames.GetSpan(FrameFormat.FrameHeadBytes + (10 * bits.Length));
        BinaryPrimitives.WriteInt64LittleEndian(head, FrameFormat.ToMicroseconds(frame.TimestampTicks));
        BinaryPrimitives.WriteUInt16LittleEndian(head[8..], device);
        BinaryPrimitives.WriteUInt16LittleEndian(head[10..], layout);
        head[12] = (byte)((hasKinds ? FrameFormat.HasKinds : 0) | (hasQualities ? FrameFormat.HasQualities : 0));
        var at = FrameFormat.FrameHeadBytes;
        for (var i = 0; hasKinds && i < kinds.Length; i++)
            head[at++] = (byte)kinds[i];
        for (var i = 0; hasQualities && i < qualities.Length; i++)
            head[at++] = (byte)qualities[i];
        for (var i = 0; i < bits.Length; i++, at += sizeof(long))
            BinaryPrimitives.WriteInt64LittleEndian(head[at..], IsText(kinds[i]) ? frame.GetUtf8(i).Length : bits[i]);
        _frames.Advance(at);
        for (var i = 0; hasKinds && i < kinds.Length; i++)
        {
            if (IsText(kinds[i]))
                _frames.Write(frame.GetUtf8(i));
        }
    }
}
