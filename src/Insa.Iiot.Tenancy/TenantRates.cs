namespace Insa.Iiot.Tenancy;

/// <summary>The rates that ingestion asks for. Others, such as those of an HTTP API, may have any other name.</summary>
public static class TenantRates
{
    /// <summary>Messages of the whole tenant.</summary>
    public const string Messages = "messages";

    /// <summary>Points of the whole tenant: charged when they are committed, so the next message waits for what was too much.</summary>
    public const string Points = "points";

    /// <summary>Messages of one device that speaks for itself.</summary>
    public const string MessagesPerDevice = "messages-per-device";

    /// <summary>Points of one device: charged when they are committed.</summary>
    public const string PointsPerDevice = "points-per-device";

    /// <summary>Messages of one gateway.</summary>
    public const string MessagesPerGateway = "messages-per-gateway";

    internal const string OverProtocol = "messages-over-";

    /// <summary>Messages of the whole tenant over one protocol, by its <see cref="DeviceSession.Protocol"/>: <c>messages-over-mqtt</c>.</summary>
    public static string MessagesOver(string protocol) => OverProtocol + protocol;
}
