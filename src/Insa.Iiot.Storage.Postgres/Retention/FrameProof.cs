using Insa.Iiot.Storage.Postgres.Jobs;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Retention;

/// <summary>Reads a partition of frames and compares it with the rollups.</summary>
internal static class FrameProof
{
    /// <summary>Sets aside what cannot be read, unless this is a dry run, and compares the rest.</summary>
    /// <returns>Why the partition must stay, or <see langword="null"/> if the rollups say the same.</returns>
    public static async Task<string?> FindDifferenceAsync(
        NpgsqlConnection connection,
        PartitionSpan span,
        PointProof proof,
        Quarantine quarantine,
        bool dryRun,
        CancellationToken cancellationToken
    )
    {
        var work = new CompactionWork(PostgresTime.FromTicks(span.Starts.Ticks));
        var hasUnreadableChunks = false;
        try
        {
            await foreach (var read in SpanReader.ReadAsync(connection, span, () => work, cancellationToken).ConfigureAwait(false))
            {
                if (!dryRun)
                    quarantine.Report(
                        span,
                        await Quarantine.SetAsideAsync(connection, span, read, cancellationToken).ConfigureAwait(false)
                    );
                hasUnreadableChunks |= read.UnreadableChunks.Count > 0;
                proof.Begin(read.TenantNo);
                foreach (var (deviceNo, metricNo, columns) in read.Series())
                    proof.Add(deviceNo, metricNo, columns);
                var different = await proof.FindDifferentAsync(cancellationToken).ConfigureAwait(false);
                if (different.Count > 0)
                    return $"the rollups of {different.Count} hours do not say the same";
            }
        }
        catch (TelemetryStoreException e) when (!e.IsTransient)
        {
            return e.Message;
        }

        return hasUnreadableChunks ? "chunks that they belong to cannot be read; the next run tries again without them" : null;
    }
}
