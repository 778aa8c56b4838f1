using Insa.Iiot.Storage.Postgres.Retention;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Makes the partitions of chunks and rollups.</summary>
/// <remarks>
/// They are no wider than a tenth of the time that the tier is kept, so that retention can wait until one is due as a whole, and no narrower than
/// need be: a statement about all of the time locks them all.
/// </remarks>
internal static class TierPartitions
{
    /// <summary>The longest of what all metrics of all tenants are kept for in a tier ($1, by default $2), and whether any is kept for ever, as SQL.</summary>
    public const string Kept = """
        (select coalesce(bool_or(k.keep is null), true) as always, max(k.keep) as longest
        from (select iiot_data.keep(m.tenant_no, m.name, $1, $2) as keep from iiot.telemetry_metric m) k)
        """;

    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>Makes the partition that holds a time, unless it is there.</summary>
    public static async Task EnsureAsync(
        NpgsqlConnection connection,
        TierTable tier,
        DateTime at,
        PostgresStorageOptions options,
        CancellationToken cancellationToken
    )
    {
        if (await IsThereAsync(connection, tier, at, cancellationToken).ConfigureAwait(false))
            return;
        var width = WidthOf(tier.Tier, await FindLongestAsync(connection, tier, options, cancellationToken).ConfigureAwait(false));
        var command =
            tier.Tier == RetentionTier.Raw
                ? new NpgsqlCommand("select iiot_data.ensure_chunk_partition($1, $2)", connection)
                : new NpgsqlCommand("select iiot_data.ensure_rollup_partition($3, $1, $2)", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Time(at));
        command.Parameters.Add(Parameter.Text(width));
        if (tier.Tier != RetentionTier.Raw)
            command.Parameters.Add(Parameter.Text(tier.Name));
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>How long a partition may be waited for beyond the time that its rows are kept for.</summary>
    public static TimeSpan MostWait(TimeSpan keep) => keep / 10 > Day ? keep / 10 : Day;

    /// <summary>How wide a partition of a tier is, as <c>date_trunc</c> has it.</summary>
    /// <param name="tier">The tier.</param>
    /// <param name="longest">The longest that anybody keeps it; <see langword="null"/> for ever.</param>
    public static string WidthOf(RetentionTier tier, TimeSpan? longest)
    {
        var most = longest is { } keep ? MostWait(keep) : TimeSpan.MaxValue;
        return most switch
        {
            _ when tier == RetentionTier.Day && most >= 366 * Day => "year",
            _ when most >= 31 * Day => "month",
            _ when most >= 7 * Day => "week",
            _ => "day",
        };
    }

    private static async Task<bool> IsThereAsync(
        NpgsqlConnection connection,
        TierTable tier,
        DateTime at,
        CancellationToken cancellationToken
    )
    {
        var command = new NpgsqlCommand(
            "select exists (select from iiot_data.partitions($1::regclass) p where p.starts <= $2 and p.ends > $2)",
            connection
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Text(tier.Table));
        command.Parameters.Add(Parameter.Time(at));
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private static async Task<TimeSpan?> FindLongestAsync(
        NpgsqlConnection connection,
        TierTable tier,
        PostgresStorageOptions options,
        CancellationToken cancellationToken
    )
    {
        var command = new NpgsqlCommand($"select extract(epoch from k.longest)::float8 from {Kept} k where not k.always", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        command.Parameters.Add(Parameter.Text(tier.Name));
        command.Parameters.Add(Parameter.Interval(tier.DefaultKeep(options)));
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is double seconds
            ? TimeSpan.FromSeconds(seconds)
            : null;
    }
}
