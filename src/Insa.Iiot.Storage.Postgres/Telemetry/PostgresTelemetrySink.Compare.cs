using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

internal sealed partial class PostgresTelemetrySink
{
    /// <summary>
    /// Writes frames of which some may be there already: asks which, merges those, and copies the others. What becomes stored in between is a
    /// key violation, as with any copy.
    /// </summary>
    /// <returns>The database's generation; if it is not the one given, what was written holds numbers of the one given.</returns>
    private async Task<long> CompareAsync(
        NpgsqlConnection connection,
        TelemetryBatch batch,
        SinkWork work,
        long generation,
        int start,
        int end,
        CancellationToken cancellationToken
    )
    {
        var stored = await FindStoredAsync(connection, batch, work.Run, start, end, cancellationToken).ConfigureAwait(false);

        // As long as it goes on: a COPY between two compared batches would only fail, and leave dead rows.
        if (stored.Length > 0)
            ExpectReplays(Math.Max(Volatile.Read(ref _replayBatches), BatchesPerReplay));
        var middle = work.Run.PutLast(start, end, stored);
        if (end - middle > 0)
        {
            var found = await MergeAsync(connection, batch, work, generation, middle, end, cancellationToken).ConfigureAwait(false);
            if (found != generation)
                return found;
        }

        if (middle == start)
            return generation;
        return middle - start < FewestForCopy
            ? await MergeAsync(connection, batch, work, generation, start, middle, cancellationToken).ConfigureAwait(false)
            : await CopyAsync(connection, batch, work, generation, start, middle, cancellationToken).ConfigureAwait(false);
    }

    /// <returns>The places of the frames that are stored, counted from <paramref name="start"/>, in order.</returns>
    private static async Task<int[]> FindStoredAsync(
        NpgsqlConnection connection,
        TelemetryBatch batch,
        FrameRun run,
        int start,
        int end,
        CancellationToken cancellationToken
    )
    {
        var tenantNos = new List<int>(end - start);
        var streamNos = new List<int>(end - start);
        var times = new List<long>(end - start);
        for (var i = start; i < end; i++)
        {
            tenantNos.Add(run.StreamOf(i).TenantNo);
            streamNos.Add(run.StreamOf(i).StreamNo);
            times.Add(run.TimeOf(batch, i));
        }

        var command = new NpgsqlCommand("select iiot_data.find_frames($1, $2, $3)", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.List(tenantNos, NpgsqlDbType.Integer));
        command.Parameters.Add(Parameter.List(streamNos, NpgsqlDbType.Integer));
        command.Parameters.Add(Parameter.List(times, NpgsqlDbType.TimestampTz));
        return (int[])(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }
}
