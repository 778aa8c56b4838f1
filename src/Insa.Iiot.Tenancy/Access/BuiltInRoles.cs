using static Insa.Iiot.Tenancy.Permissions;

namespace Insa.Iiot.Tenancy.Access;

/// <summary>The roles that every tenant has. Whoever sets limits and whoever acknowledges alarms are kept apart (ISA-18.2, management of change).</summary>
internal static class BuiltInRoles
{
    private static readonly PermissionSet Viewing = PermissionSet.Of(
        DevicesRead,
        TelemetryRead,
        RulesRead,
        AlarmsRead,
        OnCallRead,
        AnalyticsRead,
        ModelsRead,
        DashboardsRead
    );

    public static IReadOnlyList<Role> All { get; } =
    [
        new(Role.Admin, "Administrator", PermissionSet.All, 0),
        new(
            "engineer",
            "Engineer",
            Viewing.With(
                PermissionSet.Of(
                    DevicesWrite,
                    TelemetryWrite,
                    CommandsExecute,
                    RulesWrite,
                    AlarmsAct,
                    OnCallSwap,
                    OnCallWrite,
                    AnalyticsWrite,
                    ModelsWrite,
                    DashboardsOwn,
                    DashboardsWrite,
                    SettingsRead
                )
            ),
            0
        ),
        new("operator", "Operator", Viewing.With(PermissionSet.Of(CommandsExecute, AlarmsAct, OnCallSwap, DashboardsOwn)), 0),
        new("viewer", "Viewer", Viewing, 0),
    ];

    public static Role? Find(string id) => All.FirstOrDefault(role => role.Id == id);
}
