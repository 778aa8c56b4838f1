using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.OpcUa.Diagnostics;

internal static partial class OpcUaLog
{
    [LoggerMessage(
        9300,
        LogLevel.Warning,
        "The OPC UA nodes of tenant {Tenant} could not be compared with the store; what is pushed still shows"
    )]
    public static partial void SpaceNotReconciled(this ILogger logger, Exception exception, TenantId tenant);

    [LoggerMessage(
        9301,
        LogLevel.Warning,
        "Device {Device} of tenant {Tenant}, which OPC UA clients do not see yet, could not be looked up; it is tried again"
    )]
    public static partial void DeviceNotFound(this ILogger logger, Exception exception, TenantId tenant, DeviceId device);
}
