using System.Text;

namespace Insa.Iiot.LoadTest.Copy;

/// <summary>Makes of messages what the pipeline gives to a sink: a chunk per tenant, filled by its writer.</summary>
internal sealed class BatchBuilder
{
    private readonly byte[][] _metrics = [.. Enumerable.Range(0, PlantSource.Metrics).Select(i => Encoding.UTF8.GetBytes($"metric-{i}"))];
    private readonly TelemetryFrameWriter[] _writers =
    [
        .. Enumerable.Range(0, PlantSource.Tenants).Select(_ => new TelemetryFrameWriter(new TelemetryLimits())),
    ];
    private readonly DeviceSession[] _sessions =
    [
        .. Enumerable
            .Range(0, PlantSource.Devices)
            .Select(i => new DeviceSession(TenantId.Parse($"plant-{i % PlantSource.Tenants}"), DeviceId.Parse($"device-{i}"))),
    ];
    private long _arrival = PlantSource.Start.Ticks;

    /// <param name="messages">In the order of their arrival.</param>
    /// <param name="messagesPerBatch">How many messages a batch has.</param>
    /// <param name="isSplit">Whether every metric comes in a message of its own.</param>
    public List<TelemetryBatch> Build(IEnumerable<PlantMessage> messages, int messagesPerBatch, bool isSplit = false) =>
        [.. messages.Chunk(isSplit ? messagesPerBatch / PlantSource.Metrics : messagesPerBatch).Select(part => Build(part, isSplit))];

    private TelemetryBatch Build(PlantMessage[] messages, bool isSplit)
    {
        var batch = new TelemetryBatch();
        foreach (var ofTenant in messages.GroupBy(message => message.Tenant))
        {
            var chunk = new TelemetryChunk(ofTenant.Count() * (isSplit ? PlantSource.Metrics : 1));
            chunk.Reset(_sessions[ofTenant.Key].Tenant);
            foreach (var message in ofTenant)
            {
                _arrival = Math.Max(_arrival + TimeSpan.TicksPerMillisecond, message.TimestampTicks);
                var width = isSplit ? 1 : PlantSource.Metrics;
                for (var from = 0; from < PlantSource.Metrics; from += width)
                    Append(chunk, message, from, from + width);
            }

            batch.Add(chunk);
        }

        return batch;
    }

    private void Append(TelemetryChunk chunk, PlantMessage message, int from, int to)
    {
        var writer = _writers[message.Tenant];
        var session = _sessions[message.Device];
        writer.BeginMessage(chunk, session, session.Device, _arrival);
        var reason = writer.SetTimestamp(message.TimestampTicks);
        for (var metric = from; metric < to && reason == IngestReason.None; metric++)
            reason = writer.AddDouble(_metrics[metric], message.Values[metric]);
        if (reason == IngestReason.None)
            reason = writer.EndFrame();
        if (reason != IngestReason.None)
            throw new InvalidOperationException($"The generator made a message that is refused: {reason}.");
        writer.CommitMessage();
    }
}
