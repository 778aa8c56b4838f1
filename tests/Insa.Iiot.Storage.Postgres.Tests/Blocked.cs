namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>Waits until the server itself says that somebody waits.</summary>
internal static class Blocked
{
    /// <summary>Returns when so many sessions of a store's database wait for a lock.</summary>
    public static async Task WaitAsync(PostgresStore store, long sessions)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (
            (long)
                (
                    await store.QueryAsync(
                        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
                    )
                )! < sessions
        )
            limit.Token.ThrowIfCancellationRequested();
    }
}
