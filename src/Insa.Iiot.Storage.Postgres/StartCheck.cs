using System.Globalization;
using Insa.Iiot.Storage.Postgres.Diagnostics;
using Insa.Iiot.Storage.Postgres.Migrations;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres;

/// <summary>What must hold before the store is used: server, schema, and that no login can step over the walls between tenants.</summary>
internal static class StartCheck
{
    private const int OldestServer = 150000;

    // Of each major version, the first without CVE-2025-8713 and CVE-2024-10976, by which statistics and plans step over row-level security.
    private static readonly int[] FirstSafeServers = [150014, 160010, 170006];

    /// <summary>The version that a server with known holes should be updated to; <see langword="null"/> for one without.</summary>
    public static string? UpdateNeeded(int serverVersion) =>
        FirstSafeServers.FirstOrDefault(safe => safe / 10_000 == serverVersion / 10_000) is var first && serverVersion < first
            ? string.Create(CultureInfo.InvariantCulture, $"{first / 10_000}.{first % 10_000}")
            : null;

    /// <exception cref="TelemetryStoreException">Something does not hold; the message says how to mend it.</exception>
    public static async Task<(string Version, string Login)> RunAsync(
        PostgresDatabase database,
        PostgresStorageOptions options,
        ILogger logger,
        CancellationToken cancellationToken
    )
    {
        var app = await database.App.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (app.ConfigureAwait(false))
        {
            await PostgresMigrator.VerifyAsync(app, PostgresMigrations.Steps, cancellationToken).ConfigureAwait(false);
            var login = await CheckAsync(app, PostgresRole.App, options, logger, cancellationToken).ConfigureAwait(false);
            var version = app.PostgreSqlVersion.ToString();
            foreach (var (source, role) in new[] { (database.Writer, PostgresRole.Writer), (database.Jobs, PostgresRole.Jobs) })
            {
                var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    await CheckAsync(connection, role, options, logger: null, cancellationToken).ConfigureAwait(false);
                    if (role == PostgresRole.Jobs)
                        await CompareWidthAsync(connection, options.PartitionWidth, logger, cancellationToken).ConfigureAwait(false);
                }
            }

            return (version, login);
        }
    }

    /// <summary>Checks what must hold before anything is made.</summary>
    /// <exception cref="TelemetryStoreException">Something does not hold; the message says how to mend it.</exception>
    public static async Task RefuseAsync(PostgresDatabase database, PostgresStorageOptions options, CancellationToken cancellationToken)
    {
        var app = await database.App.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (app.ConfigureAwait(false))
            await CheckAsync(app, PostgresRole.App, options, logger: null, cancellationToken).ConfigureAwait(false);
    }

    // One login for everything is how development works. As soon as a role has a login of its own, none of the others may be the owner's.
    private static bool KeepsLoginsApart(PostgresStorageOptions options) =>
        (options.OwnerConnectionString ?? options.WriterConnectionString ?? options.JobsConnectionString) is not null;

    private static async Task<string> CheckAsync(
        NpgsqlConnection connection,
        string role,
        PostgresStorageOptions options,
        ILogger? logger,
        CancellationToken cancellationToken
    )
    {
        var command = new NpgsqlCommand(
            """
            select session_user::text, current_user::text, bool_or(r.rolsuper), bool_or(r.rolbypassrls),
              exists (
                select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname in ('iiot', 'iiot_data') and c.relowner in (select oid from pg_roles where rolname in (session_user, current_user))),
              pg_has_role(session_user, 'iiot_owner', 'member'),
              current_setting('server_version_num')::int, current_setting('server_encoding'), current_setting('synchronous_commit'), current_setting('fsync'),
              (select string_agg(p.rolname, ', ' order by p.rolname) from pg_roles p where pg_has_role(session_user, p.oid, 'member') and (
                p.rolsuper or p.rolbypassrls or p.rolcreaterole or p.rolreplication or p.rolname in (
                  'pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))),
              (select string_agg(o, ', ') from unnest(array['iiot_writer', 'iiot_jobs']) o where pg_has_role(session_user, o, 'member')),
              bool_or(r.rolcreaterole), bool_or(r.rolreplication)
            from pg_roles r where r.rolname in (session_user, current_user)
            """,
            connection
        );
        await using var disposeCommand = command.ConfigureAwait(false);
        var row = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeRow = row.ConfigureAwait(false);
        await row.ReadAsync(cancellationToken).ConfigureAwait(false);
        var (login, current) = (row.GetString(0), row.GetString(1));
        if (row.GetInt32(6) < OldestServer)
            throw Refuse($"The server is PostgreSQL {connection.PostgreSqlVersion}: 15 is the oldest that will do.");
        if (row.GetString(7) != "UTF8")
            throw Refuse($"The database is encoded in {row.GetString(7)}: create it with encoding 'UTF8'.");
        if (current != role)
            throw Refuse(
                $"The connection works as {current}, not as {role}: a pooler in between must be in session mode and pass the start-up options on."
            );
        if (row.GetBoolean(2))
            throw Refuse($"{login} is a superuser, whom nothing keeps apart from any tenant: {Advice(role)}");
        if (row.GetBoolean(3))
            throw Refuse(
                $"{login} or {role} has BYPASSRLS, which switches the walls between tenants off: alter role ... nobypassrls, or {Advice(role)}"
            );
        if (row.GetBoolean(12))
            throw Refuse(
                $"{login} or {role} has CREATEROLE, by which it can give itself other roles: alter role ... nocreaterole, or {Advice(role)}"
            );
        if (row.GetBoolean(13))
            throw Refuse(
                $"{login} or {role} has REPLICATION, by which it can copy all tenants' data: alter role ... noreplication, or {Advice(role)}"
            );
        if (row[10] is string above)
            throw Refuse(
                $"{login} is a member, directly or through others, of {above}, whom nothing keeps apart from any tenant: revoke {above} from it, or {Advice(role)}"
            );
        if (row.GetBoolean(4))
            throw Refuse($"{login} or {role} owns tables of the store, and an owner can drop their walls: {Advice(role)}");
        if (row.GetBoolean(5) && KeepsLoginsApart(options))
            throw Refuse(
                $"{login} may become {PostgresRole.Owner}, who can drop the walls between tenants: revoke {PostgresRole.Owner} from it, directly and through others. Migrations have a login of their own (OwnerConnectionString), or {Advice(role)}"
            );
        if (row.GetString(8) == "off")
            throw Refuse("synchronous_commit is off: an acknowledged message could be lost. Set it to on for this database.");
        if (logger is not null)
            Warn(logger, connection, row, login);
        return login;
    }

    private static void Warn(ILogger logger, NpgsqlConnection connection, NpgsqlDataReader row, string login)
    {
        if (row.GetBoolean(5))
            logger.LoginOwns(login);
        if (row[11] is string others)
            logger.LoginIsShared(login, others);
        if (UpdateNeeded(row.GetInt32(6)) is { } safe)
            logger.ServerOutdated(connection.PostgreSqlVersion.ToString(), safe);
        if (row.GetString(9) == "off")
            logger.FsyncOff();
    }

    private static async Task CompareWidthAsync(NpgsqlConnection jobs, TimeSpan width, ILogger logger, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand("select partition_width from iiot_data.telemetry_state", jobs);
        await using var disposeCommand = command.ConfigureAwait(false);
        if (await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is TimeSpan found && found != width)
            logger.PartitionWidthDiffers(found, width);
    }

    private static string Advice(string role) =>
        $"log in as a role of its own: create role iiot_host login password '...' noinherit in role {role}; (docs/postgres.md)";

    private static TelemetryStoreException Refuse(string message) => new(message, isTransient: false);
}
