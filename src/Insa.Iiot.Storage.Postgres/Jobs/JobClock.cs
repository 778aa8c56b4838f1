using Insa.Iiot.Storage.Postgres.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>The time that jobs go by: the host's, as long as the server's is about the same.</summary>
/// <remarks>A host whose clock is ahead would close hours that are not over and delete what is not due, neither of which can be taken back.</remarks>
internal sealed class JobClock(IServerClock server, TimeProvider time, PostgresMetrics metrics, ILogger<JobClock> logger)
{
    public static readonly TimeSpan MostDifference = TimeSpan.FromMinutes(2);

    /// <exception cref="TelemetryStoreException">The clocks are further apart than <see cref="MostDifference"/>.</exception>
    public async Task<DateTime> GetUtcNowAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var there = await server.GetUtcNowAsync(connection, cancellationToken).ConfigureAwait(false);
        var here = time.GetUtcNow().UtcDateTime;
        if ((here - there).Duration() <= MostDifference)
            return here;
        metrics.JobsRefused("clock");
        logger.ClocksDiffer(here, there);
        throw new TelemetryStoreException(
            $"The clock of this host says {here:u}, the server's {there:u}: no job is done until they agree to within {MostDifference.TotalMinutes} minutes.",
            isTransient: true
        );
    }
}
