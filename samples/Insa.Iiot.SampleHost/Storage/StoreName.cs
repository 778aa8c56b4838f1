using Npgsql;

namespace Insa.Iiot.SampleHost.Storage;

/// <summary>Where telemetry is kept, as the banner says it. Never with a password.</summary>
internal sealed record StoreName(string Text)
{
    public static StoreName OfPostgres(string connectionString)
    {
        var connection = new NpgsqlConnectionStringBuilder(connectionString);
        return new($"PostgreSQL {connection.Host}:{connection.Port}, database {connection.Database}, as {connection.Username}");
    }
}
