using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Tenancy.Diagnostics;

// Ids are part of the package's contract: append, never renumber. Tenancy owns 6000-6999, quotas of it 6100-6199.
internal static partial class QuotaLog
{
    [LoggerMessage(6100, LogLevel.Warning, "Tenants and their quotas cannot be read or kept; trying again")]
    public static partial void StoreUnavailable(this ILogger logger, Exception exception);

    [LoggerMessage(6101, LogLevel.Information, "Tenants and their quotas can be read and kept again")]
    public static partial void StoreRecovered(this ILogger logger);

    [LoggerMessage(6102, LogLevel.Warning, "The tenant {Tenant} has used {Used} of {Limit} {Name} in {Period}")]
    public static partial void UsageWarning(this ILogger logger, string tenant, long used, long limit, string name, string period);

    [LoggerMessage(6103, LogLevel.Warning, "The observer {Observer} failed on a usage warning")]
    public static partial void ObserverFailed(this ILogger logger, Exception exception, string observer);

    [LoggerMessage(6104, LogLevel.Warning, "Stopped before all leases were given back and all usage was written")]
    public static partial void NotReleased(this ILogger logger, Exception exception);

    [LoggerMessage(6105, LogLevel.Warning, "What is stored of tenants could not be measured or charged; trying again in an hour")]
    public static partial void StorageNotMeasured(this ILogger logger, Exception exception);
}
