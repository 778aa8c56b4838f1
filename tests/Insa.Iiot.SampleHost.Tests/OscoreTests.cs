using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Insa.Iiot.Protocols.Coap;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>CoAP with OSCORE against the composed host and its SQLite store, with a restart between.</summary>
public sealed class OscoreTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly string _sequence = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public void Dispose()
    {
        _folder.Dispose();
        File.Delete(_sequence);
    }

    [Fact]
    public async Task A_device_goes_on_with_its_context_after_the_host_was_killed()
    {
        var port = FreePort();
        using var sequence = new OscoreSequenceFile(_sequence);
        for (var run = 1; run <= 2; run++)
        {
            await using var host = await HostProcess.StartAsync(
                _folder.Data,
                "--Iiot:Coap:OscorePort",
                port.ToString(CultureInfo.InvariantCulture)
            );
            var coap = host.Bootstrap["coap"]!;
            var psk = new DevicePsk((string)coap["pskIdentity"]!, Convert.FromHexString((string)coap["psk"]!));
            var options = new CoapClientOptions { Oscore = CoapOscoreOptions.FromPsk(psk, sequence) };
            await using var client = await CoapClient.ConnectAsync(new Uri($"coap://127.0.0.1:{port}"), options);
            for (var i = 0; i < 20; i++)
            {
                var reading = Encoding.UTF8.GetBytes($$$"""{"data":{"run{{{run}}}":{{{i}}}}}""");
                Assert.Equal(CoapCode.Changed, (await client.PostAsync("/telemetry", reading, CoapContentFormat.Json)).Code);
            }

            var points = (await host.ReadAsync("/api/v1/devices/demo-press-01/telemetry/latest"))["points"]!.AsArray();
            Assert.Equal(run, points.Count);
            Assert.All(points, point => Assert.Equal(19, (double)point!["value"]!));
            host.Kill();
        }
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
