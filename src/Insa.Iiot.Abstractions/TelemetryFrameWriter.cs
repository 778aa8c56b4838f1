using System.Text.Unicode;

namespace Insa.Iiot;

/// <summary>Where a decoder puts what it reads: checks every name, device, value and time, and appends frames to a tenant's chunk.</summary>
/// <remarks>
/// For each frame: the <c>Add…</c> methods once per metric, <see cref="SetDevice"/> and <see cref="SetTimestamp"/> at most once each and in
/// any order, then <see cref="EndFrame"/>. The first result that is not <see cref="IngestReason.None"/> ends the message: return it. Then
/// nothing of the message is kept. Not thread-safe.
/// </remarks>
public sealed class TelemetryFrameWriter
{
    private readonly TelemetryLimits _limits;
    private readonly LayoutCache _layouts;
    private TelemetryChunk? _chunk;
    private DeviceSession? _session;
    private LayoutCache.Node _node;
    private DeviceId _addressed;
    private DeviceId _device;
    private long _timestamp;
    private long _receivedAt;
    private long _replayedAt;
    private long _lastArrival;
    private long _nextOrder;
    private (int Frames, int Values, int Text) _mark;

    /// <summary>Makes a writer for one tenant, with the layouts it will intern.</summary>
    public TelemetryFrameWriter(TelemetryLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        _limits = limits;
        _layouts = new LayoutCache(limits.MaxLayoutNodesPerTenant);
        _node = _layouts.Root;
    }

    /// <summary>When the message arrived, in UTC ticks of 100 ns; what a relative time counts from.</summary>
    public long ReceivedAtTicks => _receivedAt;

    /// <summary>Whether another host of ours has checked what is written (<see cref="DeviceSession.IsAdmitted"/>), for formats that only such hosts may speak.</summary>
    public bool IsAdmitted => _session?.IsAdmitted == true;

    /// <summary>How many frames the message has so far.</summary>
    public int FrameCount => _chunk is null ? 0 : _chunk.FrameCount - _mark.Frames;

    /// <summary>Starts a message.</summary>
    /// <param name="chunk">Where frames go; its tenant must be the session's.</param>
    /// <param name="session">Who speaks.</param>
    /// <param name="device">The addressed device, already allowed for the session.</param>
    /// <param name="receivedAtTicks">When the message arrived, in UTC ticks of 100 ns.</param>
    /// <exception cref="InvalidOperationException">The chunk is another tenant's.</exception>
    public void BeginMessage(TelemetryChunk chunk, DeviceSession session, DeviceId device, long receivedAtTicks)
    {
        ArgumentNullException.ThrowIfNull(chunk);
        ArgumentNullException.ThrowIfNull(session);
        if (!ReferenceEquals(chunk.Tenant.Value, session.Tenant.Value) && chunk.Tenant != session.Tenant)
            throw new InvalidOperationException("The chunk belongs to another tenant than the session.");

        _chunk = chunk;
        _session = session;
        _addressed = device;
        _receivedAt = receivedAtTicks;
        _replayedAt = 0;
        if (chunk.FrameCount == 0)
            chunk.ArrivalTicks = Math.Max(receivedAtTicks - (receivedAtTicks % TimeSpan.TicksPerMicrosecond), _nextOrder);
        _mark = chunk.Mark();
        BeginFrame();
    }

    /// <summary>Says that the message had arrived at another time than it was begun with: a replay. To be called before anything else of it.</summary>
    /// <returns><see cref="IngestReason.TimestampOutOfRange"/> if the time is none that a value could have.</returns>
    public IngestReason SetReceivedAt(DateTime utc)
    {
        var reason = SetTimestamp(utc.Ticks);
        if (reason != IngestReason.None)
            return reason;
        _receivedAt = _replayedAt = _timestamp;
        _timestamp = 0;
        return IngestReason.None;
    }

    /// <summary>Keeps the message's frames.</summary>
    public void CommitMessage()
    {
        _nextOrder = _chunk!.ArrivalTicks + (_chunk.FrameCount * TimeSpan.TicksPerMicrosecond);
        _chunk = null;
        _session = null;
    }

    /// <summary>Forgets the message's frames.</summary>
    public void AbortMessage()
    {
        _chunk?.Rollback(_mark);
        _chunk = null;
        _session = null;
    }

    /// <summary>Says which device the frame is of; without it, the addressed one.</summary>
    /// <returns><see cref="IngestReason.DeviceNotAllowed"/> if the session may not publish for it.</returns>
    public IngestReason SetDevice(ReadOnlySpan<byte> deviceUtf8) =>
        _session!.TryResolve(deviceUtf8, out _device) ? IngestReason.None : IngestReason.DeviceNotAllowed;

    /// <summary>Whether the session may publish for a device, for formats whose names only may begin with one.</summary>
    public bool IsAllowed(ReadOnlySpan<byte> deviceUtf8) => _session!.TryResolve(deviceUtf8, out _);

    /// <summary>Says when the frame was measured, in UTC ticks of 100 ns; without it, when it arrived. Kept to the microsecond.</summary>
    /// <returns><see cref="IngestReason.TimestampOutOfRange"/> if it is too old or too far ahead, unless another host has found it right (<see cref="DeviceSession.IsAdmitted"/>).</returns>
    public IngestReason SetTimestamp(long utcTicks)
    {
        if (utcTicks <= 0 || utcTicks > DateTime.MaxValue.Ticks || (!_session!.IsAdmitted && !IsInWindow(utcTicks)))
            return IngestReason.TimestampOutOfRange;
        _timestamp = utcTicks - (utcTicks % TimeSpan.TicksPerMicrosecond);
        return IngestReason.None;
    }

    /// <summary>Adds a number.</summary>
    public IngestReason AddDouble(ReadOnlySpan<byte> metric, double value, TelemetryQuality quality = TelemetryQuality.Good)
    {
        if (!double.IsFinite(value))
            return IngestReason.NotFinite;
        return AddBits(metric, TelemetryValueKind.Double, BitConverter.DoubleToInt64Bits(value), quality);
    }

    /// <summary>Adds a 64-bit integer.</summary>
    public IngestReason AddLong(ReadOnlySpan<byte> metric, long value, TelemetryQuality quality = TelemetryQuality.Good) =>
        AddBits(metric, TelemetryValueKind.Long, value, quality);

    /// <summary>Adds a boolean.</summary>
    public IngestReason AddBool(ReadOnlySpan<byte> metric, bool value, TelemetryQuality quality = TelemetryQuality.Good) =>
        AddBits(metric, TelemetryValueKind.Bool, value ? 1 : 0, quality);

    /// <summary>Adds a text.</summary>
    /// <returns><see cref="IngestReason.Malformed"/> if it is not UTF-8.</returns>
    public IngestReason AddText(ReadOnlySpan<byte> metric, ReadOnlySpan<byte> utf8, TelemetryQuality quality = TelemetryQuality.Good) =>
        AddUtf8(metric, TelemetryValueKind.Text, utf8, quality);

    /// <summary>Adds a JSON value, which the decoder has checked.</summary>
    public IngestReason AddJson(ReadOnlySpan<byte> metric, ReadOnlySpan<byte> utf8, TelemetryQuality quality = TelemetryQuality.Good) =>
        AddUtf8(metric, TelemetryValueKind.Json, utf8, quality);

    /// <summary>Completes the frame.</summary>
    /// <returns><see cref="IngestReason.Empty"/> if it has no value, <see cref="IngestReason.LaneFull"/> if the chunk has no room for it.</returns>
    public IngestReason EndFrame()
    {
        if (_node.Depth == 0)
            return IngestReason.Empty;
        if (_chunk!.FrameCount == _chunk.FrameCapacity)
            return IngestReason.LaneFull;
        _chunk.AppendFrame(_device, _node.Layout, _timestamp != 0 ? _timestamp : NextArrival());
        BeginFrame();
        return IngestReason.None;
    }

    private bool IsInWindow(long utcTicks) =>
        utcTicks >= _receivedAt - _limits.MaxAge.Ticks && utcTicks <= _receivedAt + _limits.MaxAhead.Ticks;

    private void BeginFrame()
    {
        _node = _layouts.Root;
        _device = _addressed;
        _timestamp = 0;
    }

    // Two messages that carry no time must not fall on the same instant: the second would replace the first in the store.
    private long NextArrival()
    {
        if (_replayedAt != 0)
        {
            // Of one message alone, so that a replay that is repeated says the same again.
            var replayed = _replayedAt;
            _replayedAt += TimeSpan.TicksPerMicrosecond;
            return replayed;
        }

        var arrival = _receivedAt - (_receivedAt % TimeSpan.TicksPerMicrosecond);
        _lastArrival = arrival > _lastArrival ? arrival : _lastArrival + TimeSpan.TicksPerMicrosecond;
        return _lastArrival;
    }

    private IngestReason AddBits(ReadOnlySpan<byte> metric, TelemetryValueKind kind, long bits, TelemetryQuality quality)
    {
        var reason = Step(metric);
        if (reason == IngestReason.None)
            _chunk!.AppendValue(kind, bits, quality);
        return reason;
    }

    private IngestReason AddUtf8(ReadOnlySpan<byte> metric, TelemetryValueKind kind, ReadOnlySpan<byte> utf8, TelemetryQuality quality)
    {
        if (!Utf8.IsValid(utf8))
            return IngestReason.Malformed;
        var reason = Step(metric);
        if (reason == IngestReason.None)
            _chunk!.AppendText(kind, utf8, quality);
        return reason;
    }

    private IngestReason Step(ReadOnlySpan<byte> metric)
    {
        if (_node.Depth >= _limits.MaxMetricsPerFrame)
            return IngestReason.TooManyMetrics;
        return _layouts.Step(_node, metric, out _node);
    }
}
