using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>The clock of the database's server.</summary>
internal interface IServerClock
{
    /// <summary>Asks over a connection, and so fails if its session has ended.</summary>
    Task<DateTime> GetUtcNowAsync(NpgsqlConnection connection, CancellationToken cancellationToken);
}
