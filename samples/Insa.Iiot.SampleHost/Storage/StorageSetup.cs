using Insa.Iiot.Storage.Postgres;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.SampleHost.Storage;

/// <summary>Adds the store that the operator chose.</summary>
internal static class StorageSetup
{
    public static IiotBuilder AddStorage(
        this IiotBuilder builder,
        HostSettings settings,
        IConfiguration configuration,
        string credentialKey
    )
    {
        if (settings.Storage == HostSettings.Postgres)
        {
            builder.Services.AddSingleton(services =>
                StoreName.OfPostgres(services.GetRequiredService<IOptions<PostgresStorageOptions>>().Value.ConnectionString)
            );
            return builder.AddPostgresStorage(postgres =>
            {
                configuration.GetSection("Iiot:Postgres").Bind(postgres);
                postgres.CredentialKey ??= credentialKey;
            });
        }

        var path = Path.Combine(settings.Data, "iiot.db");
        builder.Services.AddSingleton(new StoreName($"SQLite {path}"));
        return builder.AddSqliteStorage(sqlite =>
        {
            sqlite.Path = path;
            sqlite.CredentialKey = credentialKey;
        });
    }
}
