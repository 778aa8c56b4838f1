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
    int SimulatedMachines,
    string Storage
)
{
    public const string Sqlite = "sqlite";
    public const string Postgres = "postgres";

    private const int MostSimulatedMachines = 999;

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
            ReadMachines(configuration, "Iiot:Simulate"),
            ReadStorage(configuration, "Iiot:Storage")
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
}
