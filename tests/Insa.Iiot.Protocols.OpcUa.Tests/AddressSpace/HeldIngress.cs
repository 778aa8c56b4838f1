using Insa.Iiot.Protocols.OpcUa.Server.Writing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>An ingress that decodes what is written and commits it at once, or when it is told to.</summary>
internal sealed class HeldIngress(TimeProvider time) : ITelemetryIngress
{
    private readonly TelemetryLimits _limits = new();
    private readonly List<TaskCompletionSource<CommitResult>> _held = [];

    /// <summary>Whether commits wait for <see cref="Release"/>.</summary>
    public bool IsHolding { get; set; }

    /// <summary>How often to say that there is no room, first.</summary>
    public int TimesBusy { get; set; }

    /// <summary>What was taken: who, which device, what values.</summary>
    public List<(
        DeviceSession Session,
        DeviceId Device,
        DateTime Time,
        Dictionary<string, (TelemetryValue Value, TelemetryQuality Quality)> Values
    )> Taken { get; } = [];

    public IngestReceipt Submit(DeviceSession session, in TelemetryMessage message)
    {
        if (TimesBusy > 0)
        {
            TimesBusy--;
            return IngestReceipt.Busy();
        }

        if (!session.TryResolve(message.Device, out var device))
            return IngestReceipt.Rejected(IngestReason.DeviceNotAllowed);
        using var chunk = new TelemetryChunk(16);
        chunk.Reset(session.Tenant);
        var writer = new TelemetryFrameWriter(_limits);
        writer.BeginMessage(chunk, session, device, time.GetUtcNow().UtcTicks);
        var reason = new WriteDecoder().Decode(message, writer);
        if (reason != IngestReason.None)
            return IngestReceipt.Rejected(reason);
        writer.CommitMessage();
        var frame = chunk[0];
        var values = new Dictionary<string, (TelemetryValue, TelemetryQuality)>();
        for (var i = 0; i < frame.Count; i++)
            values.Add(frame.Layout.Metrics[i], (frame.GetValue(i), frame.Qualities[i]));
        Taken.Add((session, frame.Device, new DateTime(frame.TimestampTicks, DateTimeKind.Utc), values));
        if (!IsHolding)
            return IngestReceipt.Accepted(Task.FromResult(CommitResult.Committed), 0, 1);
        var held = new TaskCompletionSource<CommitResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _held.Add(held);
        return IngestReceipt.Accepted(held.Task, 0, 1);
    }

    public void Release(CommitResult? result = null)
    {
        foreach (var held in _held)
            held.SetResult(result ?? CommitResult.Committed);
        _held.Clear();
    }

    public ValueTask WaitForCapacityAsync(DeviceSession session, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    public PayloadFormat? FindFormat(ReadOnlySpan<byte> mediaType) => null;
}
