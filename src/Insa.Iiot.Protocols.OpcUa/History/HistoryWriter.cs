using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server.Writing;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>Puts values into the history of a variable, as telemetry that comes late: an answer says that they are durable.</summary>
internal sealed class HistoryWriter(ITelemetryReader reader, ITelemetryIngress ingress, HistoryLimits limits)
{
    /// <summary>Writes the values of one node.</summary>
    /// <returns>A status per value.</returns>
    public async Task<StatusCode[]> WriteAsync(TenantId tenant, HistoryUpdateCall call, CancellationToken cancellationToken)
    {
        var results = new StatusCode[call.Values.Length];
        var series = new SeriesReader(reader, tenant, call.Node, limits);
        await series.OpenAsync(cancellationToken).ConfigureAwait(false);
        using var frames = new WriteFrames();
        var added = new HashSet<long>();
        for (var i = 0; i < results.Length; i++)
        {
            var status = Convert(call, call.Values[i], out var value);
            if (!status.IsGood)
            {
                results[i] = status;
                continue;
            }

            var exists = added.Contains(value.Ticks) || await ExistsAsync(series, value.Ticks, cancellationToken).ConfigureAwait(false);
            results[i] = Outcome(call.Kind, exists);
            if (!results[i].IsGood)
                continue;
            added.Add(value.Ticks);
            frames.Add(i, call.Session!, call.Device!, System.Text.Encoding.UTF8.GetBytes(call.Node.Metric), value);
        }

        await SubmitAsync(frames, results, cancellationToken).ConfigureAwait(false);
        return results;
    }

    // What the update asks for, given what is there (Part 11 §6.9.2).
    private static StatusCode Outcome(PerformUpdateType kind, bool exists) =>
        (kind, exists) switch
        {
            (PerformUpdateType.Insert, true) => StatusCodes.BadEntryExists,
            (PerformUpdateType.Replace, false) => StatusCodes.BadNoEntryExists,
            (_, true) => StatusCodes.GoodEntryReplaced,
            _ => StatusCodes.GoodEntryInserted,
        };

    private static StatusCode Convert(HistoryUpdateCall call, in DataValue written, out LatestValue value)
    {
        value = default;
        if (written.SourceTimestamp == 0)
            return StatusCodes.BadInvalidTimestamp;
        if (written.Value.IsNull)
            return StatusCodes.BadTypeMismatch;
        var status = WriteRules.Convert(written with { ServerTimestamp = 0, ServerPicoseconds = 0 }, call.Current, 0, out value);
        // Times are kept to the microsecond: two that fall on the same one are the same entry.
        value = value with
        {
            Ticks = value.Ticks - (value.Ticks % TimeSpan.TicksPerMicrosecond),
        };
        return status;
    }

    private static async ValueTask<bool> ExistsAsync(SeriesReader series, long ticks, CancellationToken cancellationToken)
    {
        await foreach (
            var _ in series.ForwardAsync(ticks, ticks + TimeSpan.TicksPerMicrosecond, 1, cancellationToken).ConfigureAwait(false)
        )
            return true;
        return false;
    }

    private async ValueTask SubmitAsync(WriteFrames frames, StatusCode[] results, CancellationToken cancellationToken)
    {
        foreach (var frame in frames.Frames)
        {
            frame.Receipt = Submit(frames, frame);
            while (frame.Receipt.Status == IngestStatus.Busy)
            {
                await ingress.WaitForCapacityAsync(frame.Session, cancellationToken).ConfigureAwait(false);
                frame.Receipt = Submit(frames, frame);
            }
        }

        foreach (var frame in frames.Frames)
        {
            var reason = frame.Receipt.Reason;
            if (frame.Receipt is { Status: IngestStatus.Accepted, Commit: { } commit })
                reason = frame.Receipt.Settle(await commit.WaitAsync(cancellationToken).ConfigureAwait(false));
            if (reason == IngestReason.None)
                continue;
            foreach (var value in frame.Values)
                results[value.Result] = WriteRules.ToStatus(reason);
        }
    }

    private IngestReceipt Submit(WriteFrames frames, WriteFrame frame) =>
        ingress.Submit(
            frame.Session,
            new TelemetryMessage(WriteDecoder.WriteFormat, frames.PayloadOf(frame)) { Device = frame.Device.IdUtf8 }
        );
}
