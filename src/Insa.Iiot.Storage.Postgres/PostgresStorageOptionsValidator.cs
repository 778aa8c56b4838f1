using Microsoft.Extensions.Options;
using Npgsql;

namespace Insa.Iiot.Storage.Postgres;

internal sealed class PostgresStorageOptionsValidator : IValidateOptions<PostgresStorageOptions>
{
    public ValidateOptionsResult Validate(string? name, PostgresStorageOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        CheckConnection(result, nameof(options.ConnectionString), options.ConnectionString);
        CheckConnection(result, nameof(options.WriterConnectionString), options.WriterConnectionString ?? options.ConnectionString);
        CheckConnection(result, nameof(options.JobsConnectionString), options.JobsConnectionString ?? options.ConnectionString);
        CheckConnection(result, nameof(options.OwnerConnectionString), options.OwnerConnectionString ?? options.ConnectionString);
        Check(
            result,
            options.PartitionWidth == TimeSpan.FromHours(1) || options.PartitionWidth == TimeSpan.FromDays(1),
            nameof(options.PartitionWidth),
            "1 hour or 1 day",
            options.PartitionWidth
        );
        Check(result, options.WriterConnections is >= 1 and <= 16, nameof(options.WriterConnections), "1 to 16", options.WriterConnections);
        Check(result, options.MaxConnections is >= 1 and <= 1000, nameof(options.MaxConnections), "1 to 1,000", options.MaxConnections);
        Check(
            result,
            options.CommandTimeout >= TimeSpan.FromSeconds(1) && options.CommandTimeout <= TimeSpan.FromHours(1),
            nameof(options.CommandTimeout),
            "1 s to 1 hour",
            options.CommandTimeout
        );
        Check(
            result,
            options.MaxCachedStreams is >= 1000 and <= 100_000_000,
            nameof(options.MaxCachedStreams),
            "1,000 to 100,000,000",
            options.MaxCachedStreams
        );
        Check(
            result,
            options.MaxDeadLettersPerTenant is >= 0 and <= 10_000_000,
            nameof(options.MaxDeadLettersPerTenant),
            "0 to 10,000,000",
            options.MaxDeadLettersPerTenant
        );
        Check(
            result,
            options.CompactAfter is null || (options.CompactAfter >= TimeSpan.Zero && options.CompactAfter <= TimeSpan.FromDays(3653)),
            nameof(options.CompactAfter),
            "0 to 10 years",
            options.CompactAfter ?? TimeSpan.Zero
        );
        Check(
            result,
            options.RollupGrace >= TimeSpan.Zero && options.RollupGrace <= TimeSpan.FromDays(1),
            nameof(options.RollupGrace),
            "0 to 1 day",
            options.RollupGrace
        );
        CheckRetention(result, nameof(options.RawRetention), options.RawRetention);
        CheckRetention(result, nameof(options.MinuteRetention), options.MinuteRetention);
        CheckRetention(result, nameof(options.HourRetention), options.HourRetention);
        CheckRetention(result, nameof(options.DayRetention), options.DayRetention);
        if (options.CredentialKey is { } key && !CredentialSeal.IsKey(key))
            result.AddError("must be 32 bytes in Base64 (openssl rand -base64 32).", nameof(options.CredentialKey));
        return result.Build();
    }

    private static void Check(ValidateOptionsResultBuilder result, bool holds, string name, string range, object value)
    {
        if (!holds)
            result.AddError($"must be {range}, not {value}.", name);
    }

    private static void CheckRetention(ValidateOptionsResultBuilder result, string name, TimeSpan? keep) =>
        Check(result, keep is null || keep > TimeSpan.Zero, name, "more than zero", keep ?? TimeSpan.Zero);

    // The text may hold a password: it is never part of a message.
    private static void CheckConnection(ValidateOptionsResultBuilder result, string name, string text)
    {
        try
        {
            var parsed = new NpgsqlConnectionStringBuilder(text);
            if (string.IsNullOrEmpty(parsed.Host))
                result.AddError("needs a Host, such as Host=localhost;Database=iiot;Username=iiot_host;Password=...", name);
            if (parsed.NoResetOnClose)
                result.AddError("must not say No Reset On Close: a setting could then reach the connection's next user.", name);
            if (parsed.Multiplexing)
                result.AddError("must not say Multiplexing: a transaction needs its connection for itself.", name);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            result.AddError("is not a connection string of Npgsql's keywords.", name);
        }
    }
}
