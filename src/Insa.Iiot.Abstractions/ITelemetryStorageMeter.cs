namespace Insa.Iiot;

/// <summary>Says how much room the telemetry of tenants takes. Thread-safe.</summary>
/// <remarks>
/// It is the size of the rows as they are stored: of what came in, in whatever form it is kept by now, and of what was made of it. Without indexes,
/// free space, and what is no telemetry. One pass over all tenants, as a bill needs once a day; not for every request.
/// </remarks>
public interface ITelemetryStorageMeter
{
    /// <summary>Measures what is stored now of every tenant that has telemetry.</summary>
    /// <returns>Tenants in no order. What is written or deleted meanwhile may be in it or not.</returns>
    /// <exception cref="TelemetryStoreException">The store cannot be read.</exception>
    ValueTask<IReadOnlyList<TenantBytes>> MeasureAsync(CancellationToken cancellationToken = default);
}
