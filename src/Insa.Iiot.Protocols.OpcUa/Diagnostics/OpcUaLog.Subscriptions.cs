using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.OpcUa.Diagnostics;

internal static partial class OpcUaLog
{
    [LoggerMessage(9400, LogLevel.Error, "Subscription {Id} could not be served this time")]
    public static partial void SubscriptionFailed(this ILogger logger, uint id, Exception exception);
}
