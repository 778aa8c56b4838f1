using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Server.Writing;

/// <summary>The values of a Write request as frames for the ingress: those that follow each other of one device and time are one frame, and share its fate.</summary>
internal sealed class WriteFrames : IDisposable
{
    // A count of values lies behind the time.
    private const int CountOffset = sizeof(long);

    private readonly PooledOutput _payload = new();
    private readonly List<WriteFrame> _frames = [];

    public IReadOnlyList<WriteFrame> Frames => _frames;

    /// <summary>Adds a value.</summary>
    /// <param name="result">The value's place in the request.</param>
    /// <param name="session">By whom it comes in.</param>
    /// <param name="device">The device.</param>
    /// <param name="metric">The metric, in UTF-8.</param>
    /// <param name="value">The value, with its time.</param>
    public void Add(int result, DeviceSession session, DeviceNode device, ReadOnlySpan<byte> metric, in LatestValue value)
    {
        if (_frames.Count == 0 || !_frames[^1].Takes(device, metric, value.Ticks))
            Begin(session, device, value.Ticks);
        var frame = _frames[^1];
        frame.Values.Add(new WrittenValue(result, System.Text.Encoding.UTF8.GetString(metric), value));
        var writer = new UaWriter(_payload);
        writer.Utf8String(metric);
        writer.Byte((byte)value.Kind);
        writer.Byte((byte)value.Quality);
        if (value.Text is null)
            writer.Int64(value.Bits);
        else
            writer.Utf8String(value.Text);
        writer.Flush();
        frame.Length = _payload.Length - frame.Offset;
        _payload.Patch(frame.Offset + CountOffset, frame.Values.Count);
    }

    /// <summary>The bytes of a frame.</summary>
    public ReadOnlySpan<byte> PayloadOf(WriteFrame frame) => _payload.WrittenSpan.Slice(frame.Offset, frame.Length);

    public void Dispose() => _payload.Dispose();

    private void Begin(DeviceSession session, DeviceNode device, long ticks)
    {
        _frames.Add(new WriteFrame(session, device, ticks, _payload.Length));
        var writer = new UaWriter(_payload);
        writer.Int64(ticks);
        writer.Int32(0);
        writer.Flush();
    }
}
