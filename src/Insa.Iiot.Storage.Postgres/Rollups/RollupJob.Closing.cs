using Insa.Iiot.Storage.Postgres.Diagnostics;
using Insa.Iiot.Storage.Postgres.Telemetry;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Rollups;

internal sealed partial class RollupJob
{
    private const int Attempts = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(640);

    // How long new writes may stand behind us while we wait for those under way.
    private TimeSpan _wait = ShortestWait;

    /// <summary>Closes the hours that are over.</summary>
    private async Task CloseAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var now = await clock.GetUtcNowAsync(connection, cancellationToken).ConfigureAwait(false);
        var over = PostgresTime.FromTicks((now - options.Value.RollupGrace).Ticks);
        var before = PostgresTime.FloorDivide(over, PostgresTime.PerHour) * PostgresTime.PerHour;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var closed = await CloseAsync(connection, before, cancellationToken).ConfigureAwait(false);
                _wait = ShortestWait;
                if (closed > 0)
                    logger.HoursClosed(closed, PostgresTime.ToDateTime(before));
                return;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                if (attempt == Attempts)
                {
                    // Writes take longer than that here; the next run may wait longer. Until then there is other work.
                    _wait = _wait * 2 < LongestWait ? _wait * 2 : LongestWait;
                    logger.HoursNotClosed(Attempts);
                    return;
                }
            }

            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<int> CloseAsync(NpgsqlConnection connection, long before, CancellationToken cancellationToken)
    {
        if (await IsClosedAsync(connection, before, cancellationToken).ConfigureAwait(false))
            return 0;
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = transaction.ConfigureAwait(false);
        await ExecuteAsync(connection, $"set local lock_timeout = {(int)_wait.TotalMilliseconds}", cancellationToken).ConfigureAwait(false);
        var command = new NpgsqlCommand("select iiot_data.close_hours($1)", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(before));
        var closed = (int)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return closed;
    }

    // Fifty-nine times of sixty there is nothing to close, and no writer need wait for finding out.
    private static async Task<bool> IsClosedAsync(NpgsqlConnection connection, long before, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand("select closed_before >= $1 from iiot_data.telemetry_state", connection);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(before));
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is true;
    }
}
