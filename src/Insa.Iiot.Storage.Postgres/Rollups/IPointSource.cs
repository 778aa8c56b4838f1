using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Reads all points of device hours, wherever they are stored.</summary>
internal interface IPointSource
{
    /// <summary>Hands the points of some hours of one day to a visitor, hour after hour, the points of a metric by time. Called in a transaction.</summary>
    /// <returns>How many points there were.</returns>
    Task<long> ReadAsync(
        NpgsqlConnection connection,
        IReadOnlyList<DeviceHour> hours,
        IPointVisitor visitor,
        CancellationToken cancellationToken
    );
}
