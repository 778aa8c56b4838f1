using Insa.Iiot.Protocols.Mqtt.Packets;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

/// <summary>An authenticated CONNECT.</summary>
internal sealed record ConnectRequest
{
    public required byte Version { get; init; }

    public required DeviceSession Session { get; init; }

    public required string ClientId { get; init; }

    /// <summary>Whether the client had no id of its own.</summary>
    public required bool IsClientIdAssigned { get; init; }

    /// <summary>In seconds; 0 is none.</summary>
    public required ushort KeepAlive { get; init; }

    public required bool CleanStart { get; init; }

    /// <summary>In seconds.</summary>
    public required uint SessionExpiry { get; init; }

    /// <summary>How many QoS 1 and 2 messages the client takes in flight.</summary>
    public required ushort ReceiveMaximum { get; init; }

    public required uint MaximumPacketBytes { get; init; }

    public required Will? Will { get; init; }

    public ClientRegistry.ClientKey Key => new(Session.Tenant, Session.Device, ClientId);

    /// <summary>Whether something of the client's is kept beyond its connection: then the broker must know of it from the start.</summary>
    public bool NeedsBroker => Will is not null || !CleanStart || SessionExpiry > 0;
}
