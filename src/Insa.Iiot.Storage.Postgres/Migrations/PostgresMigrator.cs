using Insa.Iiot.Storage.Postgres.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Migrations;

/// <summary>Brings a database to this package's version: each step in a transaction, one host at a time.</summary>
internal sealed class PostgresMigrator(ILogger logger)
{
    /// <summary>The advisory lock that is held while somebody migrates.</summary>
    public const long Lock = 7461200;

    /// <summary>Applies what is missing. Harmless to call from many hosts at once.</summary>
    public async Task MigrateAsync(NpgsqlDataSource owner, IReadOnlyList<PostgresMigration> steps, CancellationToken cancellationToken)
    {
        var connection = await owner.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        await ExecuteAsync(connection, $"select pg_advisory_lock({Lock})", cancellationToken).ConfigureAwait(false);
        try
        {
            var applied = await ReadAppliedAsync(connection, cancellationToken).ConfigureAwait(false);
            Verify(applied, steps);
            foreach (var step in steps.Where(step => !applied.ContainsKey(step.Version)))
            {
                logger.Migrating(step.Version, step.Name);
                await ApplyAsync(connection, step, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await ExecuteAsync(connection, $"select pg_advisory_unlock({Lock})", CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Checks that the schema is the one this package knows.</summary>
    /// <exception cref="TelemetryStoreException">It is not; the message says what to do.</exception>
    public static async Task VerifyAsync(
        NpgsqlConnection connection,
        IReadOnlyList<PostgresMigration> steps,
        CancellationToken cancellationToken
    )
    {
        var applied = await ReadAppliedAsync(connection, cancellationToken).ConfigureAwait(false);
        Verify(applied, steps);
        if (steps.FirstOrDefault(step => !applied.ContainsKey(step.Version)) is { } missing)
        {
            throw new TelemetryStoreException(
                $"The schema lacks migration {missing.Version} ({missing.Name}): apply the script of PostgresMigrations.Script(), or set MigrateOnStart.",
                isTransient: false
            );
        }
    }

    /// <summary>Whether every step was applied.</summary>
    public static async Task<bool> IsCurrentAsync(
        NpgsqlConnection connection,
        IReadOnlyList<PostgresMigration> steps,
        CancellationToken cancellationToken
    )
    {
        var applied = await ReadAppliedAsync(connection, cancellationToken).ConfigureAwait(false);
        return steps.All(step => applied.ContainsKey(step.Version));
    }

    private static void Verify(Dictionary<int, byte[]> applied, IReadOnlyList<PostgresMigration> steps)
    {
        foreach (var (version, checksum) in applied)
        {
            var known = steps.FirstOrDefault(step => step.Version == version);
            if (known is null)
            {
                throw new TelemetryStoreException(
                    $"The schema has migration {version}, and this package knows up to {steps[^1].Version}: update the package.",
                    isTransient: false
                );
            }

            if (!checksum.AsSpan().SequenceEqual(known.Checksum))
            {
                throw new TelemetryStoreException(
                    $"Migration {version} ({known.Name}) was applied with another text than this package holds: the schema is not what it seems. Restore it, or use the package that made it.",
                    isTransient: false
                );
            }
        }
    }

    private static async Task ApplyAsync(NpgsqlConnection connection, PostgresMigration step, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = transaction.ConfigureAwait(false);
        await ExecuteAsync(connection, step.Sql, cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(connection, PostgresMigrations.RecordStatement(step), cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task<Dictionary<int, byte[]>> ReadAppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var applied = new Dictionary<int, byte[]>();
        var look = new NpgsqlCommand("select to_regclass('iiot.schema_migration') is not null", connection);
        await using (look.ConfigureAwait(false))
        {
            if (await look.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is not true)
                return applied;
        }

        var command = new NpgsqlCommand("select version, checksum from iiot.schema_migration order by version", connection);
        await using var disposeCommand = command.ConfigureAwait(false);
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRows = rows.ConfigureAwait(false);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            applied.Add(rows.GetInt32(0), rows.GetFieldValue<byte[]>(1));
        return applied;
    }

    // A migration may take longer than any query does.
    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await using var _ = command.ConfigureAwait(false);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}
