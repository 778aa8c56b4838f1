using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>The numbers of streams, found or made by the database and remembered. Bounded, thread-safe.</summary>
/// <remarks>
/// What is remembered holds for one generation of the database's numbers; a write that finds another one forgets everything and asks again.
/// </remarks>
internal sealed class StreamDictionary(int maxEntries)
{
    private const int MostPerCall = 5000;

    private readonly Lock _sync = new();
    private readonly Dictionary<TenantId, Dictionary<(DeviceId Device, TelemetryLayout Layout), StreamEntry>> _tenants = [];
    private int _count;
    private long _generation;

    public long Generation
    {
        get
        {
            lock (_sync)
                return _generation;
        }
    }

    /// <summary>Finds the stream of every frame of a chunk that is known.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="entries">Where the streams go, one per frame; <see langword="null"/> where it is not known.</param>
    /// <returns>How many are not known.</returns>
    public int Find(TelemetryChunk chunk, Span<StreamEntry?> entries)
    {
        var missing = 0;
        lock (_sync)
        {
            if (!_tenants.TryGetValue(chunk.Tenant, out var streams))
            {
                entries.Clear();
                return entries.Length;
            }

            for (var i = 0; i < entries.Length; i++)
            {
                var frame = chunk[i];
                if (!streams.TryGetValue((frame.Device, frame.Layout), out entries[i]))
                    missing++;
            }
        }

        return missing;
    }

    /// <summary>Asks the database for the streams of a chunk that were not found, and remembers them.</summary>
    /// <param name="connection">A writer's.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="entries">
    /// As <see cref="Find"/> left them; set then, also if there are more than can be remembered, but for those whose names the server refuses.
    /// </param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>What the server refuses of the names, if it does.</returns>
    public async Task<PostgresException?> LearnAsync(
        NpgsqlConnection connection,
        TelemetryChunk chunk,
        Memory<StreamEntry?> entries,
        CancellationToken cancellationToken
    )
    {
        var wanted = Unknown(chunk, entries.Span);
        var learned = new Dictionary<(DeviceId, TelemetryLayout), StreamEntry>(wanted.Count);
        PostgresException? refusal = null;
        for (var start = 0; start < wanted.Count; start += MostPerCall)
        {
            var part = wanted.GetRange(start, Math.Min(MostPerCall, wanted.Count - start));
            refusal = await LearnAsync(connection, chunk.Tenant, part, learned, cancellationToken).ConfigureAwait(false) ?? refusal;
        }

        for (var i = 0; i < chunk.FrameCount; i++)
            entries.Span[i] ??= learned.GetValueOrDefault((chunk[i].Device, chunk[i].Layout));
        return refusal;
    }

    /// <summary>Forgets what holds for another generation than this.</summary>
    public void Renew(long generation)
    {
        lock (_sync)
        {
            if (generation != _generation)
                Clear(generation);
        }
    }

    /// <summary>Gathers streams that have come further than the database has been told.</summary>
    public void TakeAdvanced(List<StreamEntry> advanced)
    {
        lock (_sync)
        {
            foreach (var streams in _tenants.Values)
            {
                foreach (var entry in streams.Values)
                {
                    if (entry.Newest > entry.Noted)
                        advanced.Add(entry);
                }
            }
        }
    }

    // A name that the server refuses fails the call: halved until each stream at fault is alone, and left out.
    private async Task<PostgresException?> LearnAsync(
        NpgsqlConnection connection,
        TenantId tenant,
        List<(DeviceId Device, TelemetryLayout Layout)> part,
        Dictionary<(DeviceId, TelemetryLayout), StreamEntry> learned,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await AskAsync(connection, tenant, part, learned, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (PostgresException e) when (PostgresErrors.IsAboutData(e))
        {
            // Nothing of a tenant whose own name is refused can be learned.
            if (part.Count == 1 || e.TableName == "tenant")
                return e;
            var half = part.Count / 2;
            await LearnAsync(connection, tenant, part.GetRange(0, half), learned, cancellationToken).ConfigureAwait(false);
            await LearnAsync(connection, tenant, part.GetRange(half, part.Count - half), learned, cancellationToken).ConfigureAwait(false);
            return e;
        }
    }

    private async Task AskAsync(
        NpgsqlConnection connection,
        TenantId tenant,
        List<(DeviceId Device, TelemetryLayout Layout)> part,
        Dictionary<(DeviceId, TelemetryLayout), StreamEntry> learned,
        CancellationToken cancellationToken
    )
    {
        var command = new NpgsqlCommand("select generation, tenant_no, stream_nos from iiot_data.find_streams($1, $2, $3)", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Text(tenant.Value));
        command.Parameters.Add(Parameter.Texts([.. part.Select(stream => stream.Device.Value)]));
        command.Parameters.Add(Parameter.Texts([.. part.Select(stream => LayoutText.Join(stream.Layout))]));
        var row = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRow = row.ConfigureAwait(false);

        // Of a row that was deleted meanwhile there is no number, and the others have moved up.
        if (
            !await row.ReadAsync(cancellationToken).ConfigureAwait(false)
            || row.IsDBNull(2)
            || row.GetFieldValue<int?[]>(2) is not { } found
            || found.Length != part.Count
            || found.Contains(null)
        )
            throw new TelemetryStoreException("The numbers of streams went while they were looked up.", isTransient: true);
        Remember(row.GetInt64(0), tenant, row.GetInt32(1), part, Array.ConvertAll(found, number => number!.Value), learned);
    }

    private static List<(DeviceId Device, TelemetryLayout Layout)> Unknown(TelemetryChunk chunk, ReadOnlySpan<StreamEntry?> entries)
    {
        var unknown = new HashSet<(DeviceId, TelemetryLayout)>();
        for (var i = 0; i < entries.Length; i++)
        {
            if (entries[i] is null)
                unknown.Add((chunk[i].Device, chunk[i].Layout));
        }

        return [.. unknown];
    }

    private void Remember(
        long generation,
        TenantId tenant,
        int tenantNo,
        List<(DeviceId Device, TelemetryLayout Layout)> part,
        int[] streamNos,
        Dictionary<(DeviceId Device, TelemetryLayout Layout), StreamEntry> learned
    )
    {
        lock (_sync)
        {
            // Full: what is in use comes back with one call per batch.
            if (generation != _generation || _count + part.Count > maxEntries)
                Clear(generation);
            if (!_tenants.TryGetValue(tenant, out var streams))
                _tenants.Add(tenant, streams = []);
            for (var i = 0; i < part.Count; i++)
            {
                if (!streams.TryGetValue(part[i], out var entry))
                {
                    streams.Add(part[i], entry = new StreamEntry(tenantNo, streamNos[i]));
                    _count++;
                }

                learned[part[i]] = entry;
            }
        }
    }

    private void Clear(long generation)
    {
        _tenants.Clear();
        _count = 0;
        _generation = generation;
    }
}
