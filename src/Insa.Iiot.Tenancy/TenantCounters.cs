namespace Insa.Iiot.Tenancy;

/// <summary>What is counted for every tenant.</summary>
public static class TenantCounters
{
    /// <summary>Registered devices.</summary>
    public const string Devices = IDeviceRegistry.Counter;

    /// <summary>Members.</summary>
    public const string Users = "users";

    /// <summary>API keys.</summary>
    public const string ApiKeys = "api-keys";

    /// <summary>Invitations that are open.</summary>
    public const string Invitations = "invitations";

    /// <summary>Roles of its own.</summary>
    public const string Roles = "roles";

    /// <summary>Tenants directly below it, until their removal is complete.</summary>
    public const string Children = "children";

    /// <summary>Members who hold the role <c>admin</c>; never less than one again once there is one.</summary>
    public const string Admins = "admins";
}
