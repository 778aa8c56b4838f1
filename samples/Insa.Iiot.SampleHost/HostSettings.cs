using System.Globalization;
using System.Net;
using Insa.Iiot.Protocols.Coap;

namespace Insa.Iiot.SampleHost;

/// <summary>What the operator may set: by configuration file, by environment (<c>Iiot__Mqtt__Port</c>), or on the command line (<c>--Iiot:Mqtt:Port 1884</c>).</summary>
internal sealed record HostSettings(
    string Data,
    IPAddress HttpAddress,
    int HttpPort,
    IPAddress MqttAddress,
    int MqttPort,
    IPAddress CoapAddress,
    int CoapPort,
    int CoapSecurePort,
    int? CoapOscorePort,
    Uri? AmqpUri,
    IPAddress OpcUaAddress,
    int OpcUaPort,
    int SimulatedMachines,
    string Storage,
    string Role
)
{
    public const string Sqlite = "sqlite";
    public const string Postgres = "postgres";

    public const string All = "all";
    public const string Adapter = "adapter";
    public const string Writer = "writer";

    private const int MostSimulatedMachines = 999;
    private const int DefaultOpcUaPort = 4840;

    /// <summary>Where the OPC UA server's certificate is, and those of clients that it trusts.</summary>
    public string OpcUaCertificates => Path.Combine(Data, "pki", "opcua");

    /// <exception cref="FormatException">A setting cannot be read.</exception>
    public static HostSettings From(IConfiguration configuration) =>
        new(
            Path.GetFullPath(configuration["Iiot:Data"] ?? "iiot-data"),
            ReadAddress(configuration, "Iiot:Http:Address"),
            ReadPort(configuration, "Iiot:Http:Port", 8080),
            ReadAddress(configuration, "Iiot:Mqtt:Address"),
            ReadPort(configuration, "Iiot:Mqtt:Port", 1883),
            ReadAddress(configuration, "Iiot:Coap:Address"),
            ReadPort(configuration, "Iiot:Coap:Port", CoapListenerOptions.DefaultPort),
            ReadPort(configuration, "Iiot:Coap:SecurePort", CoapListenerOptions.DefaultSecurePort),
            configuration["Iiot:Coap:OscorePort"] is null ? null : ReadPort(configuration, "Iiot:Coap:OscorePort", 0),
            ReadBroker(configuration, "Iiot:Amqp:Uri"),
            ReadAddress(configuration, "Iiot:OpcUa:Address"),
            ReadPort(configuration, "Iiot:OpcUa:Port", DefaultOpcUaPort),
            ReadMachines(configuration, "Iiot:Simulate"),
            ReadStorage(configuration, "Iiot:Storage"),
            ReadRole(configuration, "Iiot:Role")
        );

    private static IPAddress ReadAddress(IConfiguration configuration, string key) =>
        IPAddress.TryParse(configuration[key] ?? "127.0.0.1", out var address)
            ? address
            : throw new FormatException($"{key} is '{configuration[key]}': write an IP address.");

    private static int ReadPort(IConfiguration configuration, string key, int absent)
    {
        if (configuration[key] is not { } text)
            return absent;
        return ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? port
            : throw new FormatException($"{key} is '{text}': write a port from 0 to 65535.");
    }

    // What was written is not said: there is a password in it.
    private static Uri? ReadBroker(IConfiguration configuration, string key)
    {
        if (string.IsNullOrEmpty(configuration[key]))
            return null;
        return Uri.TryCreate(configuration[key], UriKind.Absolute, out var uri) && uri is { Scheme: "amqp" or "amqps", Host.Length: > 0 }
            ? uri
            : throw new FormatException($"{key} cannot be read: write amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps:// for TLS.");
    }

    private static int ReadMachines(IConfiguration configuration, string key)
    {
        if (configuration[key] is not { } text)
            return 0;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count <= MostSimulatedMachines
            ? count
            : throw new FormatException($"{key} is '{text}': write a number of machines from 0 to {MostSimulatedMachines}.");
    }

    private static string ReadStorage(IConfiguration configuration, string key) =>
        (configuration[key] ?? Sqlite) switch
        {
            Sqlite => Sqlite,
            Postgres when string.IsNullOrWhiteSpace(configuration["Iiot:Postgres:ConnectionString"]) => throw new FormatException(
                $"{key} is '{Postgres}': write where it is to Iiot:Postgres:ConnectionString, such as Host=localhost;Database=iiot;Username=iiot_host;Password=..."
            ),
            Postgres => Postgres,
            var other => throw new FormatException($"{key} is '{other}': write {Sqlite} or {Postgres}."),
        };

    private static string ReadRole(IConfiguration configuration, string key) =>
        (configuration[key] ?? All) switch
        {
            All => All,
            Adapter or Writer when string.IsNullOrEmpty(configuration["Iiot:Amqp:Uri"]) => throw new FormatException(
                $"{key} is '{configuration[key]}': write where the broker between adapters and writers is to Iiot:Amqp:Uri."
            ),
            Adapter => Adapter,
            Writer => Writer,
            var other => throw new FormatException($"{key} is '{other}': write {All}, {Adapter} or {Writer}."),
        };
}
