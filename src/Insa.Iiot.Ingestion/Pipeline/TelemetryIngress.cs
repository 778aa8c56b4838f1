using System.Collections.Concurrent;
using Insa.Iiot.Ingestion.Diagnostics;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Ingestion.Pipeline;

/// <summary>Admits messages and decodes them straight into the open chunk of their tenant's lane.</summary>
internal sealed class TelemetryIngress : ITelemetryIngress
{
    private readonly IngestionOptions _options;
    private readonly ITelemetryDecoder[] _decoders;
    private readonly IAdmissionPolicy[] _policies;
    private readonly LaneScheduler _scheduler;
    private readonly ChunkPool _pool;
    private readonly DeadLetterWriter _deadLetters;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<TenantId, Lane> _lanes = new();
    private readonly Func<TenantId, Lane> _makeLane;
    private volatile bool _stopping;

    public TelemetryIngress(
        IOptions<IngestionOptions> options,
        IEnumerable<ITelemetryDecoder> decoders,
        IEnumerable<IAdmissionPolicy> policies,
        LaneScheduler scheduler,
        ChunkPool pool,
        DeadLetterWriter deadLetters,
        IngestionMetrics metrics,
        TimeProvider time
    )
    {
        _options = options.Value;
        _decoders = [.. decoders];
        _policies = [.. policies];
        _scheduler = scheduler;
        _pool = pool;
        _deadLetters = deadLetters;
        _time = time;
        _makeLane = tenant => new Lane(tenant, _options, _pool);
        metrics.Observe(() => _lanes.Select(lane => lane.Value));
    }

    /// <summary>Whether any message still waits for its commit.</summary>
    public bool IsDrained =>
        _lanes.Values.All(lane =>
        {
            lock (lane.Sync)
                return lane.Ledger.InFlight == 0;
        });

    /// <summary>Takes nothing more from now on.</summary>
    public void Stop() => _stopping = true;

    /// <summary>The lane of a tenant, made on first use.</summary>
    public Lane LaneOf(TenantId tenant) => _lanes.GetOrAdd(tenant, _makeLane);

    public IngestReceipt Submit(DeviceSession session, in TelemetryMessage message)
    {
        ArgumentNullException.ThrowIfNull(session);
        if (_stopping)
            return IngestReceipt.Busy(IngestReason.Stopping);

        // What there is no room for comes again, and is to be charged once. Whether there is, is decided under the lane's lock.
        var lane = LaneOf(session.Tenant);
        if (lane.IsFull)
            return IngestReceipt.Busy();
        if (!session.IsAdmitted && !TryAdmit(session, message.Payload.Length, out var decision))
            return NotAdmitted(lane, decision);

        if (message.Payload.Length > _options.Limits.MaxMessageBytes)
            return Refuse(lane, IngestReason.MessageTooLarge);
        if (!session.TryResolve(message.Device, out var device))
            return Refuse(lane, IngestReason.DeviceNotAllowed);
        var decoder = FindDecoder(message.Format);
        if (decoder is null)
            return Refuse(lane, IngestReason.UnsupportedFormat);

        var receipt = Decode(lane, decoder, session, device, message, out var schedule);
        if (schedule)
            _scheduler.Schedule(lane);
        return receipt.Status == IngestStatus.Rejected ? Reject(lane, session, device, message, receipt.Reason) : receipt;
    }

    public async ValueTask WaitForCapacityAsync(DeviceSession session, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        if (_stopping)
            throw new OperationCanceledException("The host is stopping.");
        await LaneOf(session.Tenant).WhenRoom().WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public PayloadFormat? FindFormat(ReadOnlySpan<byte> mediaType)
    {
        var end = mediaType.IndexOf((byte)';');
        var name = (end < 0 ? mediaType : mediaType[..end]).Trim((byte)' ');
        foreach (var decoder in _decoders)
        {
            if (System.Text.Ascii.EqualsIgnoreCase(name, decoder.Format.MediaType))
                return decoder.Format;
        }

        return null;
    }

    private bool TryAdmit(DeviceSession session, int payloadBytes, out AdmissionDecision decision)
    {
        decision = default;
        foreach (var policy in _policies)
        {
            decision = policy.Admit(session, payloadBytes);
            if (decision.Reason != IngestReason.None)
                return false;
        }

        return true;
    }

    private IngestReceipt Decode(
        Lane lane,
        ITelemetryDecoder decoder,
        DeviceSession session,
        DeviceId device,
        in TelemetryMessage message,
        out bool schedule
    )
    {
        schedule = false;
        lock (lane.Sync)
        {
            if (lane.IsFull)
                return IngestReceipt.Busy();

            // Read under the lock, so that arrival times ascend in the order of the frames.
            var now = _time.GetUtcNow().UtcTicks;
            var chunk = lane.Open;
            var reason = TryDecode(lane, chunk, decoder, session, device, message, now, out var receipt);
            if (reason == IngestReason.LaneFull)
            {
                chunk = lane.Renew(ChunkPool.FramesPerChunk);
                reason = TryDecode(lane, chunk, decoder, session, device, message, now, out receipt);
            }

            if (reason == IngestReason.LaneFull)
            {
                // No format spends less than two bytes on a frame.
                chunk = lane.Renew((message.Payload.Length / 2) + 1);
                reason = TryDecode(lane, chunk, decoder, session, device, message, now, out receipt);
            }

            if (reason != IngestReason.None)
                return IngestReceipt.Rejected(reason == IngestReason.LaneFull ? IngestReason.MessageTooLarge : reason);
            if (!lane.IsScheduled)
                schedule = lane.IsScheduled = true;
            return receipt;
        }
    }

    private static IngestReason TryDecode(
        Lane lane,
        LaneChunk chunk,
        ITelemetryDecoder decoder,
        DeviceSession session,
        DeviceId device,
        in TelemetryMessage message,
        long now,
        out IngestReceipt receipt
    )
    {
        receipt = default;
        var first = chunk.Chunk.FrameCount;
        var bytes = chunk.Chunk.SizeBytes;
        var writer = lane.Writer;
        writer.BeginMessage(chunk.Chunk, session, device, now);
        IngestReason reason;
        try
        {
            reason = message.ReceivedAt is { } receivedAt ? writer.SetReceivedAt(receivedAt) : IngestReason.None;
            if (reason == IngestReason.None)
                reason = decoder.Decode(message, writer);
        }
        catch (Exception)
        {
            // A decoder of a partner that breaks its contract costs its own message only.
            reason = IngestReason.Malformed;
        }

        if (reason == IngestReason.None && writer.FrameCount == 0)
            reason = IngestReason.Empty;
        if (reason != IngestReason.None)
        {
            writer.AbortMessage();
            return reason;
        }

        writer.CommitMessage();
        chunk.EndMessage();
        var frames = chunk.Chunk.FrameCount - first;
        lane.Added(frames, chunk.Chunk.SizeBytes - bytes);
        receipt = IngestReceipt.Accepted(chunk.Completion.Task, first, frames);
        return IngestReason.None;
    }

    private ITelemetryDecoder? FindDecoder(PayloadFormat format)
    {
        foreach (var decoder in _decoders)
        {
            if (ReferenceEquals(decoder.Format, format))
                return decoder;
        }

        return null;
    }

    private IngestReceipt Reject(Lane lane, DeviceSession session, DeviceId device, in TelemetryMessage message, IngestReason reason)
    {
        // Another device's name in the payload is a matter of rights, not of a message worth keeping.
        var kept = reason == IngestReason.DeviceNotAllowed ? null : _deadLetters.TryKeep(lane, device, message, reason);
        lock (lane.Sync)
        {
            lane.Ledger.Received++;
            if (kept is null)
                lane.Ledger.Rejected(reason);
        }

        return IngestReceipt.Rejected(reason, kept);
    }

    private static IngestReceipt Refuse(Lane lane, IngestReason reason)
    {
        lock (lane.Sync)
        {
            lane.Ledger.Received++;
            lane.Ledger.Rejected(reason);
        }

        return IngestReceipt.Rejected(reason);
    }

    private static IngestReceipt NotAdmitted(Lane lane, AdmissionDecision decision)
    {
        var refusal = Refuse(lane, decision.Reason);
        return decision.Reason is IngestReason.QuotaExceeded or IngestReason.RateLimited
            ? IngestReceipt.Throttled(decision.Reason, decision.RetryAfter)
            : refusal;
    }
}
