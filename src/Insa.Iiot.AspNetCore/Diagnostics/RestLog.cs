using Microsoft.Extensions.Logging;

namespace Insa.Iiot.AspNetCore.Diagnostics;

// Ids are part of the package's contract: append, never renumber. AspNetCore owns 7000-7999.
internal static partial class RestLog
{
    [LoggerMessage(7000, LogLevel.Error, "{Endpoint} failed")]
    public static partial void EndpointFailed(this ILogger logger, Exception exception, string? endpoint);

    [LoggerMessage(7001, LogLevel.Warning, "Answers kept for repeated requests could not be cleared away; trying again in an hour")]
    public static partial void SweepFailed(this ILogger logger, Exception exception);

    [LoggerMessage(7002, LogLevel.Warning, "{Endpoint} could not be served now. {Message}")]
    public static partial void StoreFailed(this ILogger logger, string? endpoint, string message);
}
