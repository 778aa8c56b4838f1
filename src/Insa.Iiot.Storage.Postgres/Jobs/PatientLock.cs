using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Work that locks a partition: whoever must wait for it gives up before anybody notices, and tries again a little later.</summary>
internal static class PatientLock
{
    private const int Attempts = 50;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <returns>What the work comes to; <paramref name="otherwise"/> if its lock was not to be had.</returns>
    public static async Task<T> TryAsync<T>(Func<Task<T>> work, T otherwise, TimeProvider time, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await work().ConfigureAwait(false);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                if (attempt == Attempts)
                    return otherwise;
                await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
