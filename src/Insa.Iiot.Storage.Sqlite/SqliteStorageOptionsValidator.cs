using Microsoft.Extensions.Options;

namespace Insa.Iiot.Storage.Sqlite;

/// <summary>Reports every option that is out of range.</summary>
internal sealed class SqliteStorageOptionsValidator : IValidateOptions<SqliteStorageOptions>
{
    private static readonly TimeSpan LongestBusyTimeout = TimeSpan.FromMinutes(10);

    public ValidateOptionsResult Validate(string? name, SqliteStorageOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        if (string.IsNullOrWhiteSpace(options.Path))
            result.AddError("must name the database file.", nameof(options.Path));
        if (options.BusyTimeout < TimeSpan.Zero || options.BusyTimeout > LongestBusyTimeout)
            result.AddError($"must be from 0 to {LongestBusyTimeout}, not {options.BusyTimeout}.", nameof(options.BusyTimeout));
        if (options.MaxDeadLettersPerTenant is < 0 or > 10_000_000)
            result.AddError(
                $"must be from 0 to 10,000,000, not {options.MaxDeadLettersPerTenant}.",
                nameof(options.MaxDeadLettersPerTenant)
            );
        if (options.CredentialKey is { } key && !CredentialSeal.IsKey(key))
            result.AddError("must be 32 bytes in Base64 (openssl rand -base64 32).", nameof(options.CredentialKey));
        return result.Build();
    }
}
