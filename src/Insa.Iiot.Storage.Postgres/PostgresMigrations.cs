using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.Storage.Postgres.Migrations;

namespace Insa.Iiot.Storage.Postgres;

/// <summary>The schema as SQL, for administrators who apply it themselves.</summary>
public static class PostgresMigrations
{
    private const string RolesFile = "roles.sql";

    private static readonly PostgresMigration[] All = ReadAll();

    /// <summary>The version this package needs.</summary>
    public static int CurrentVersion => All[^1].Version;

    /// <summary>The script that makes the roles; to be run once per cluster by an administrator. Running it again changes nothing.</summary>
    public static string RolesScript { get; } = ReadFile(RolesFile);

    /// <summary>
    /// A script for psql that takes a schema of any earlier version, or none, to <see cref="CurrentVersion"/>. To be run as a member of
    /// <c>iiot_owner</c>. It waits for hosts that migrate, refuses a schema that this package does not know, and changes nothing when it is run again.
    /// <c>psql -v partition_width='1 hour'</c> sets the width of partitions while there are none; otherwise it is a day.
    /// </summary>
    public static string Script()
    {
        var script = new StringBuilder();
        script.Append(
            CultureInfo.InvariantCulture,
            $"""
            \set ON_ERROR_STOP on
            set role iiot_owner;
            select pg_advisory_lock({PostgresMigrator.Lock}) is null as locked \gset
            select to_regclass('iiot.schema_migration') is not null as known \gset
            \if :known
            {VerifyStatement()}
            \endif

            """
        );
        foreach (var migration in All)
        {
            var version = migration.Version.ToString(CultureInfo.InvariantCulture);
            script
                .Append("\\set todo true\n\\if :known\n")
                .Append(
                    CultureInfo.InvariantCulture,
                    $"select not exists (select from iiot.schema_migration where version = {version}) as todo \\gset\n"
                )
                .Append("\\endif\n\\if :todo\nbegin;\n")
                .Append(migration.Sql)
                .Append('\n')
                .Append(RecordStatement(migration))
                .Append(";\ncommit;\n\\set known true\n\\endif\n");
        }

        return script
            .Append("\\if :{?partition_width}\n")
            .Append(
                "update iiot_data.telemetry_state set partition_width = :'partition_width'::interval where partition_width <> :'partition_width'::interval and not exists (select from iiot_data.partitions('iiot_data.telemetry_frame'));\n"
            )
            .Append(CultureInfo.InvariantCulture, $"\\endif\nselect pg_advisory_unlock({PostgresMigrator.Lock}) as unlocked \\gset\n")
            .ToString();
    }

    /// <summary>
    /// A script for psql that keeps the frames in a hypertable, where the TimescaleDB extension is; it refuses anywhere else. To be run once by a
    /// member of <c>iiot_owner</c>, before the first frame. Unverified: see docs/postgres.md.
    /// </summary>
    public static string TimescaleScript { get; } = ReadFile("optin_timescaledb.sql");

    /// <summary>
    /// A script for psql that distributes telemetry by tenant, where the Citus extension is; it refuses anywhere else. To be run once by a
    /// member of <c>iiot_owner</c>. Unverified: see docs/postgres.md.
    /// </summary>
    public static string CitusScript { get; } = ReadFile("optin_citus.sql");

    internal static IReadOnlyList<PostgresMigration> Steps => All;

    internal static string RecordStatement(PostgresMigration migration) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"insert into iiot.schema_migration (version, name, checksum) values ({migration.Version}, '{migration.Name}', '\\x{Convert.ToHexStringLower(migration.Checksum)}')"
        );

    // What PostgresMigrator.Verify does.
    private static string VerifyStatement() =>
        $"""
            do $$
            declare
              unknown text := (
                select string_agg(m.version::text, ', ' order by m.version) from iiot.schema_migration m
                where (m.version, m.checksum) not in (values {string.Join(
                    ", ",
                    All.Select(migration =>
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"({migration.Version}, '\\x{Convert.ToHexStringLower(migration.Checksum)}'::bytea)"
                        )
                    )
                )}));
            begin
              if unknown is not null then
                raise exception 'The schema has migrations that this script does not know, or knows with another text: %. Use the script of the package that made it, or of a later one.', unknown;
              end if;
            end
            $$;
            """;

    private static PostgresMigration[] ReadAll() =>
        [
            .. typeof(PostgresMigrations)
                .Assembly.GetManifestResourceNames()
                .Where(file => file.EndsWith(".sql", StringComparison.Ordinal) && char.IsAsciiDigit(file[0]))
                .Order(StringComparer.Ordinal)
                .Select(Read),
        ];

    private static PostgresMigration Read(string file)
    {
        var sql = ReadFile(file);
        return new PostgresMigration(
            int.Parse(file.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture),
            file[5..^4],
            sql,
            SHA256.HashData(Encoding.UTF8.GetBytes(sql))
        );
    }

    // Line ends are those of the repository, whatever machine built the package: the checksum must not depend on it.
    private static string ReadFile(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(file)!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
