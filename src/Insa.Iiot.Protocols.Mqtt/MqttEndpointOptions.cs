namespace Insa.Iiot.Protocols.Mqtt;

/// <summary>How the endpoint listens and what it bounds. Checked when the host starts.</summary>
public sealed class MqttEndpointOptions
{
    /// <summary>The addresses to listen on. Default none: add at least one.</summary>
    public IList<MqttListenerOptions> Listeners { get; } = [];

    /// <summary>The most connections at once. Default 10,000; 1 to 1,000,000. More are closed before they are read.</summary>
    public int MaxConnections { get; set; } = 10_000;

    /// <summary>The largest packet before a client is known, in bytes. Default 64 KiB; 1 KiB to 1 MiB.</summary>
    public int MaxConnectPacketBytes { get; set; } = 64 * 1024;

    /// <summary>The largest packet, in bytes; told to MQTT 5 clients. Default 264 KiB, for a payload of 256 KiB; 1 KiB to 17 MiB.</summary>
    public int MaxPacketBytes { get; set; } = 264 * 1024;

    /// <summary>The most QoS 1 and 2 messages a client may have in flight; told to MQTT 5 clients. Default 1,024; 1 to 65,535.</summary>
    public int ReceiveMaximum { get; set; } = 1024;

    /// <summary>The most topic aliases of an MQTT 5 client. Default 16; 0 to 1,024.</summary>
    public int TopicAliasMaximum { get; set; } = 16;

    /// <summary>The longest time a client's session is kept beyond its connection, in memory. Default 1 day; 0 to 30 days.</summary>
    public TimeSpan MaxSessionExpiry { get; set; } = TimeSpan.FromDays(1);

    /// <summary>The most sessions kept per device; further ones end with their connection. Default 4; 0 to 1,000.</summary>
    public int MaxSessionsPerDevice { get; set; } = 4;

    /// <summary>The most topics a device may retain a message of, in memory. Default 32; 0 to 10,000.</summary>
    public int MaxRetainedPerDevice { get; set; } = 32;

    /// <summary>How long a new connection may take to send its CONNECT. Default 10 s; 100 ms to 10 minutes.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);
}
