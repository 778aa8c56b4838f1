using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Tenancy.Diagnostics;

// Ids are part of the package's contract: append, never renumber. Tenancy owns 6000-6999, the leaving of tenants 6200-6299.
internal static partial class OffboardingLog
{
    [LoggerMessage(6200, LogLevel.Information, "The tenant {Tenant} is deleted, {Rows} rows with it")]
    public static partial void TenantDeleted(this ILogger logger, string tenant, long rows);

    [LoggerMessage(6201, LogLevel.Warning, "The tenant {Tenant} is to be deleted, and a legal hold stands: release it")]
    public static partial void TenantHeld(this ILogger logger, string tenant);

    [LoggerMessage(6202, LogLevel.Warning, "Something was written for the tenant {Tenant} while it was deleted; trying again in an hour")]
    public static partial void TenantNotEmpty(this ILogger logger, string tenant);

    [LoggerMessage(6203, LogLevel.Warning, "The tenant {Tenant} is to be deleted, and has the sub-tenant {Child}: offboard that first")]
    public static partial void TenantHasSubTenant(this ILogger logger, string tenant, string child);

    [LoggerMessage(6204, LogLevel.Warning, "Deleting tenants failed ({Tenant}); trying again in an hour")]
    public static partial void RemovalFailed(this ILogger logger, Exception exception, string tenant);
}
