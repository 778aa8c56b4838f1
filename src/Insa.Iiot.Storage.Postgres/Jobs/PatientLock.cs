using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Work that locks a partition: it waits so briefly for its lock that nobody notices, and tries again a little later, by and by for longer.</summary>
internal static class PatientLock
{
    private const int ShortAttempts = 40;
    private const int AttemptsPerLongerWait = 2;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ShortWait = TimeSpan.FromMilliseconds(40);

    // For what is in use at any time, if never for long. Few, as whoever comes meanwhile stands behind them, writers of frames among them.
    private static readonly TimeSpan[] LongerWaits =
    [
        TimeSpan.FromMilliseconds(80),
        TimeSpan.FromMilliseconds(160),
        TimeSpan.FromMilliseconds(320),
        TimeSpan.FromMilliseconds(640),
    ];

    /// <param name="work">What is to be done, told how long it may wait for its lock.</param>
    /// <param name="otherwise">What it comes to if the lock was not to be had.</param>
    /// <param name="time">The clock of the pauses.</param>
    /// <param name="cancellationToken">Ends the attempts.</param>
    public static async Task<T> TryAsync<T>(
        Func<TimeSpan, Task<T>> work,
        T otherwise,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        for (var attempt = 0; attempt < ShortAttempts + (LongerWaits.Length * AttemptsPerLongerWait); attempt++)
        {
            if (attempt > 0)
                await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
            try
            {
                return await work(WaitOf(attempt)).ConfigureAwait(false);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                // Then once more, after a pause in which whoever waited behind it gets on.
            }
        }

        return otherwise;
    }

    private static TimeSpan WaitOf(int attempt) =>
        attempt < ShortAttempts ? ShortWait : LongerWaits[(attempt - ShortAttempts) / AttemptsPerLongerWait];
}
