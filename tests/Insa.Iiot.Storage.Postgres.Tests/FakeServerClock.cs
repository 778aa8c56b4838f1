using Insa.Iiot.Storage.Postgres.Jobs;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>A server whose clock is set by the test.</summary>
internal sealed class FakeServerClock(TimeProvider time) : IServerClock
{
    /// <summary>How far it is behind the test's own.</summary>
    public TimeSpan Behind { get; set; }

    // Asked over the connection all the same: whoever asks finds out whether its session is there still.
    public async Task<DateTime> GetUtcNowAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select clock_timestamp()", connection);
        await command.ExecuteScalarAsync(cancellationToken);
        return time.GetUtcNow().UtcDateTime - Behind;
    }
}
