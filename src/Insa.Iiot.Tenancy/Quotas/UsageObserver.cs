namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>Charges what has been committed: points are not known before a message is decoded.</summary>
internal sealed class UsageObserver(TenantQuotas quotas, QuotaContext context) : ITelemetryObserver
{
    public ValueTask OnCommittedAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        var now = context.Clock.Now;
        foreach (var chunk in batch.Chunks)
        {
            var quota = quotas.Of(chunk.Tenant);
            var devices = quota.Snapshot?.DevicePoints;
            quota.Charge(devices is null && !chunk.HasRejections ? chunk.ValueCount : ChargeFrames(chunk, devices, now), now);
        }

        return ValueTask.CompletedTask;
    }

    private static long ChargeFrames(TelemetryChunk chunk, DeviceGates? devices, long now)
    {
        var points = 0L;
        for (var i = 0; i < chunk.FrameCount; i++)
        {
            if (chunk.RejectionOf(i) != IngestReason.None)
                continue;
            var frame = chunk[i];
            points += frame.Count;
            devices?.Of(frame.Device).Charge(frame.Count, now);
        }

        return points;
    }
}
