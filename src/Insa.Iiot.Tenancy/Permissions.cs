namespace Insa.Iiot.Tenancy;

/// <summary>All that can be permitted, as <c>resource:action</c>. Append, never remove: roles are stored by these names.</summary>
/// <remarks><c>write</c> includes creating and deleting single things, <c>admin</c> what concerns all of a resource.</remarks>
public static class Permissions
{
    /// <summary>See devices.</summary>
    public const string DevicesRead = "devices:read";

    /// <summary>Add, change and remove devices and their credentials.</summary>
    public const string DevicesWrite = "devices:write";

    /// <summary>Import devices in bulk, and decide on what concerns all of them.</summary>
    public const string DevicesAdmin = "devices:admin";

    /// <summary>Read telemetry.</summary>
    public const string TelemetryRead = "telemetry:read";

    /// <summary>Write telemetry, and replay dead letters.</summary>
    public const string TelemetryWrite = "telemetry:write";

    /// <summary>Delete telemetry.</summary>
    public const string TelemetryAdmin = "telemetry:admin";

    /// <summary>Send commands to devices.</summary>
    public const string CommandsExecute = "commands:execute";

    /// <summary>See rules and alarm limits.</summary>
    public const string RulesRead = "rules:read";

    /// <summary>Change rules and alarm limits.</summary>
    public const string RulesWrite = "rules:write";

    /// <summary>See alarms.</summary>
    public const string AlarmsRead = "alarms:read";

    /// <summary>Acknowledge, shelve and comment alarms.</summary>
    public const string AlarmsAct = "alarms:act";

    /// <summary>See on-call plans.</summary>
    public const string OnCallRead = "oncall:read";

    /// <summary>Swap one's own shifts.</summary>
    public const string OnCallSwap = "oncall:swap";

    /// <summary>Change on-call plans and escalation.</summary>
    public const string OnCallWrite = "oncall:write";

    /// <summary>See analytics, and export.</summary>
    public const string AnalyticsRead = "analytics:read";

    /// <summary>Change analytics.</summary>
    public const string AnalyticsWrite = "analytics:write";

    /// <summary>See models.</summary>
    public const string ModelsRead = "models:read";

    /// <summary>Train and change models.</summary>
    public const string ModelsWrite = "models:write";

    /// <summary>See dashboards.</summary>
    public const string DashboardsRead = "dashboards:read";

    /// <summary>Change one's own dashboards.</summary>
    public const string DashboardsOwn = "dashboards:own";

    /// <summary>Change all dashboards.</summary>
    public const string DashboardsWrite = "dashboards:write";

    /// <summary>See retention, API keys and integrations.</summary>
    public const string SettingsRead = "settings:read";

    /// <summary>Change retention, API keys and integrations.</summary>
    public const string SettingsAdmin = "settings:admin";

    /// <summary>Invite, add and remove members, and change their roles.</summary>
    public const string UsersAdmin = "users:admin";

    /// <summary>Make and change roles.</summary>
    public const string RolesAdmin = "roles:admin";

    /// <summary>Change the tenant itself, its sub-tenants included.</summary>
    public const string TenantAdmin = "tenant:admin";

    /// <summary>See usage and bills.</summary>
    public const string BillingRead = "billing:read";

    /// <summary>Read the audit.</summary>
    public const string AuditRead = "audit:read";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        DevicesRead,
        DevicesWrite,
        DevicesAdmin,
        TelemetryRead,
        TelemetryWrite,
        TelemetryAdmin,
        CommandsExecute,
        RulesRead,
        RulesWrite,
        AlarmsRead,
        AlarmsAct,
        OnCallRead,
        OnCallSwap,
        OnCallWrite,
        AnalyticsRead,
        AnalyticsWrite,
        ModelsRead,
        ModelsWrite,
        DashboardsRead,
        DashboardsOwn,
        DashboardsWrite,
        SettingsRead,
        SettingsAdmin,
        UsersAdmin,
        RolesAdmin,
        TenantAdmin,
        BillingRead,
        AuditRead,
    ];
}
