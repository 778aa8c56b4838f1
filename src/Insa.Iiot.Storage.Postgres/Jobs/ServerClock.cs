using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Asks the server.</summary>
internal sealed class ServerClock : IServerClock
{
    public async Task<DateTime> GetUtcNowAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand("select clock_timestamp()", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        return (DateTime)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }
}
