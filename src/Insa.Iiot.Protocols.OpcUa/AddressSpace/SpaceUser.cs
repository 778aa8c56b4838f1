using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Who looks at a tenant's space, and what they may do there. A device or gateway sees the devices that it may publish for, and no others.</summary>
internal sealed class SpaceUser
{
    private readonly DeviceSession? _device;
    private readonly bool _maySee;
    private readonly bool _mayRead;
    private readonly bool _mayWrite;
    private readonly bool _mayCommand;
    private readonly bool _mayAdminister;

    public SpaceUser(SessionIdentity identity)
    {
        Identity = identity;
        _device = identity.Device?.Over("opcua");
        _maySee = identity.May(SessionPermissions.ReadDevices);
        _mayRead = identity.May(SessionPermissions.ReadTelemetry);
        _mayWrite = identity.May(SessionPermissions.WriteTelemetry);
        _mayCommand = identity.May(SessionPermissions.ExecuteCommands);
        _mayAdminister = identity.May(SessionPermissions.AdministerTenant);
        MaySeeAlarms = _device is not null || identity.May(SessionPermissions.ReadAlarms);
        MayActOnAlarms = identity.May(SessionPermissions.ActOnAlarms);
    }

    public SessionIdentity Identity { get; }

    /// <summary>Whether there is such a device for them.</summary>
    public bool MaySee(DeviceNode device) => _device is null ? _maySee : _device.TryResolve(device.IdUtf8, out _);

    /// <summary>Whether there is such a node for them.</summary>
    public bool MaySee(in NodeHandle node) => node.Owner is null || MaySee(node.Owner);

    /// <summary>Whether they may read a node's value, if they see the node.</summary>
    public bool MayRead(in NodeHandle node) => node.Kind != NodeKind.Metric || _device is not null || _mayRead;

    /// <summary>Whether they may write a device's telemetry.</summary>
    public bool MayWrite(DeviceNode device) => _device is null ? _mayWrite : _device.TryResolve(device.IdUtf8, out _);

    /// <summary>Whether they may send commands to devices that they see.</summary>
    public bool MayCommand => _mayCommand;

    /// <summary>Whether they may switch their tenant's diagnostics, and look at what is said of security there.</summary>
    public bool MayAdminister => _mayAdminister;

    /// <summary>Whether they hear of the alarms of devices that they see.</summary>
    public bool MaySeeAlarms { get; }

    /// <summary>Whether they may acknowledge and comment alarms that they see.</summary>
    public bool MayActOnAlarms { get; }

    /// <summary>The session by which their telemetry of a device comes in.</summary>
    public DeviceSession IngestSession(DeviceNode device) => _device ?? new DeviceSession(Identity.Tenant, device.Id).Over("opcua");
}
