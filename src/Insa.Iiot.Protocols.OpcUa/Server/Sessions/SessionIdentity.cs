namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>Who a session is for: a device or gateway, a user, or an anonymous reader of one tenant. Immutable.</summary>
internal sealed class SessionIdentity
{
    private SessionIdentity(TenantId tenant, string name) => (Tenant, Name) = (tenant, name);

    /// <summary>The tenant. All that the session sees is this one's.</summary>
    public TenantId Tenant { get; }

    /// <summary>The name to show to the tenant's own operators.</summary>
    public string Name { get; }

    /// <summary>The device or gateway; <see langword="null"/> for others.</summary>
    public DeviceSession? Device { get; private init; }

    /// <summary>The user; <see langword="null"/> for others.</summary>
    public UserGrant? User { get; private init; }

    public bool IsAnonymous => Device is null && User is null;

    /// <summary>What it is, in a word.</summary>
    public string Kind =>
        Device is not null ? "device"
        : User is not null ? "user"
        : "anonymous";

    public static SessionIdentity Of(DeviceSession device) => new(device.Tenant, device.Device.Value) { Device = device };

    public static SessionIdentity Of(UserGrant user) => new(user.Tenant, user.UserName) { User = user };

    public static SessionIdentity Anonymous(TenantId tenant) => new(tenant, "");

    /// <summary>Whether a user has a permission, or an anonymous reader may read. A device has none of these: what it may do follows from its <see cref="Device"/>.</summary>
    public bool May(string permission) =>
        User?.Permissions.Contains(permission)
        ?? (Device is null && (permission is SessionPermissions.ReadTelemetry or SessionPermissions.ReadDevices));

    /// <summary>Whether it sees all the devices and alarms of the tenant that another identity sees.</summary>
    public bool SeesAllThat(SessionIdentity other) =>
        Device?.Device == other.Device?.Device
        && (May(SessionPermissions.ReadDevices) || !other.May(SessionPermissions.ReadDevices))
        && (May(SessionPermissions.ReadAlarms) || !other.May(SessionPermissions.ReadAlarms));

    /// <summary>Whether another identity is of the same device or user, so that it can take a session or subscription over.</summary>
    public bool IsSameAs(SessionIdentity other) =>
        Tenant == other.Tenant
        && Device?.Device == other.Device?.Device
        && string.Equals(User?.UserId, other.User?.UserId, StringComparison.Ordinal);
}
