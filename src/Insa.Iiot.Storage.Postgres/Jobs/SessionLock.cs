using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>An advisory lock of a session, which lasts as long as the connection that does the work, and no longer.</summary>
internal sealed class SessionLock : IAsyncDisposable
{
    /// <summary>For making rollups.</summary>
    public const long Rollups = 7461203;

    /// <summary>For being the host that does the background jobs.</summary>
    public const long Jobs = 7461204;

    /// <summary>For taking away marks of late writes, and what they guard: all of it over <see cref="Connection"/>, so that whoever has lost the lock deletes nothing.</summary>
    public const long Maintenance = 7461205;

    private readonly long _number;

    private SessionLock(long number, NpgsqlConnection connection) => (_number, Connection) = (number, connection);

    /// <summary>The connection whose session holds the lock. Of no pool: when it is closed, the session ends.</summary>
    public NpgsqlConnection Connection { get; }

    /// <returns><see langword="null"/> if another session holds it.</returns>
    public static async Task<SessionLock?> TryTakeAsync(PostgresDatabase database, long number, CancellationToken cancellationToken)
    {
        var taken = new SessionLock(number, await database.Locks.OpenConnectionAsync(cancellationToken).ConfigureAwait(false));
        var hasTaken = false;
        try
        {
            hasTaken = await taken.AskAsync("pg_try_advisory_lock", cancellationToken).ConfigureAwait(false);
            return hasTaken ? taken : null;
        }
        finally
        {
            if (!hasTaken)
                await taken.Connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            // The server notices the end of the session a little later than its client.
            await AskAsync("pg_advisory_unlock", CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresErrors.IsOfStore(e) || e is InvalidOperationException)
        {
            // The session ends below, if it has not yet.
        }

        await Connection.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<bool> AskAsync(string function, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand($"select {function}({_number})", Connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }
}
