using System.Runtime.CompilerServices;
using Insa.Iiot.Storage.Postgres.Rollups;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Reads many series or devices of one tenant in few round trips.</summary>
internal sealed class PostgresSeriesReader(PostgresDatabase database, PostgresTelemetryReader reader) : ITelemetrySeriesReader
{
    private const int DevicesPerQuery = 1000;

    public IAsyncEnumerable<TelemetrySeriesBucket> AggregateAsync(
        TenantId tenant,
        TelemetrySeriesQuery query,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Bucket, PostgresTelemetryReader.ShortestBucket, nameof(query));
        return new BucketReader(database, reader).ReadAsync(tenant, query, cancellationToken);
    }

    public async IAsyncEnumerable<TelemetryDevicePoint> ReadLatestAsync(
        TenantId tenant,
        IReadOnlyList<DeviceId> devices,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(devices);
        foreach (var part in devices.Chunk(DevicesPerQuery))
        {
            var latest = await ReadAsync(tenant, part, cancellationToken).ConfigureAwait(false);
            for (var i = 0; i < part.Length; i++)
            {
                foreach (var point in latest.Of(i))
                    yield return new TelemetryDevicePoint(part[i], point);
            }
        }
    }

    private async Task<LatestOfDevices> ReadAsync(TenantId tenant, DeviceId[] devices, CancellationToken cancellationToken)
    {
        try
        {
            return await LatestOfDevices.ReadAsync(database, tenant, devices, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e))
        {
            throw PostgresErrors.ToStoreException(e);
        }
    }
}
