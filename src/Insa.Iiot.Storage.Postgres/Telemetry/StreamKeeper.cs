using Insa.Iiot.Storage.Postgres.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Tells the database now and then how far streams have come, so that "latest" need not look further back.</summary>
internal sealed class StreamKeeper(PostgresDatabase database, StreamDictionary streams, TimeProvider time, ILogger<StreamKeeper> logger)
    : BackgroundService
{
    private const int MostPerCall = 10_000;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(20);

    /// <summary>Notes what has advanced since the last time.</summary>
    public async Task NoteAsync(CancellationToken cancellationToken)
    {
        var advanced = new List<StreamEntry>();
        streams.TakeAdvanced(advanced);

        // By day, so that a call looks into few partitions.
        foreach (var ofTenant in advanced.GroupBy(entry => (entry.TenantNo, PostgresTime.FloorDivide(entry.Newest, PostgresTime.PerDay))))
        {
            foreach (var part in ofTenant.Chunk(MostPerCall))
                await NoteAsync(ofTenant.Key.TenantNo, part, cancellationToken).ConfigureAwait(false);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await NoteAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                logger.StreamsNotTouched(e);
            }
        }
    }

    private async Task NoteAsync(int tenantNo, StreamEntry[] entries, CancellationToken cancellationToken)
    {
        var newest = Array.ConvertAll(entries, entry => entry.Newest);
        var connection = await database.Writer.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeConnection = connection.ConfigureAwait(false);
        var command = new NpgsqlCommand("select iiot_data.touch_streams($1, $2, $3)", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Number(tenantNo));
        command.Parameters.Add(Parameter.Numbers(Array.ConvertAll(entries, entry => entry.StreamNo)));
        command.Parameters.Add(Parameter.Times(newest));
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < entries.Length; i++)
            entries[i].Noted = newest[i];
    }
}
