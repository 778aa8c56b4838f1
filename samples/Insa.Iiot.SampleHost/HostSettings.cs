namespace Insa.Iiot.SampleHost;

/// <summary>What the operator may set: by configuration file, by environment (<c>Iiot__Mqtt__Port</c>), or on the command line (<c>--Iiot:Mqtt:Port 1884</c>).</summary>
internal sealed record HostSettings(string Data, string HttpAddress, int HttpPort, string MqttAddress, int MqttPort)
{
    public static HostSettings From(IConfiguration configuration) =>
        new(
            Path.GetFullPath(configuration["Iiot:Data"] ?? "iiot-data"),
            configuration["Iiot:Http:Address"] ?? "127.0.0.1",
            configuration.GetValue("Iiot:Http:Port", 8080),
            configuration["Iiot:Mqtt:Address"] ?? "127.0.0.1",
            configuration.GetValue("Iiot:Mqtt:Port", 1883)
        );
}
