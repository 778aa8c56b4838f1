namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>The permissions of users that services ask for, by the platform's names.</summary>
internal static class SessionPermissions
{
    public const string ReadDevices = "devices:read";
    public const string ReadTelemetry = "telemetry:read";
    public const string WriteTelemetry = "telemetry:write";
    public const string AdministerTenant = "tenant:admin";
    public const string ExecuteCommands = "commands:execute";
    public const string ReadAlarms = "alarms:read";
    public const string ActOnAlarms = "alarms:act";

    /// <summary>Who has none of these has nothing to do here.</summary>
    public static readonly string[] All =
    [
        ReadDevices,
        ReadTelemetry,
        WriteTelemetry,
        AdministerTenant,
        ExecuteCommands,
        ReadAlarms,
        ActOnAlarms,
    ];
}
