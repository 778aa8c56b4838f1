using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Insa.Iiot.Protocols.Coap.Tests.Client;

/// <summary>Debian's coap-server on a free port of its own.</summary>
internal sealed class LibcoapServer : IAsyncDisposable
{
    private const string Plain = "/usr/bin/coap-server-notls";

    private readonly Process _process;

    private LibcoapServer(Process process, string host, int port)
    {
        _process = process;
        Uri = new Uri($"coap://{host}:{port}");
        SecureUri = new Uri($"coaps://{host}:{port + 1}");
    }

    public Uri Uri { get; }

    /// <summary>Where it takes DTLS, if it was started with a key.</summary>
    public Uri SecureUri { get; }

    private static bool IsRequired => Environment.GetEnvironmentVariable("IIOT_REQUIRE_PEERS") == "1";

    /// <param name="arguments">More arguments for it.</param>
    /// <param name="host">What it listens at.</param>
    /// <param name="program">Which of Debian's servers it is.</param>
    public static async Task<LibcoapServer> StartAsync(string arguments = "", string host = "127.0.0.1", string program = Plain)
    {
        if (!File.Exists(program))
            Assert.SkipUnless(IsRequired, $"{program} is missing: run eng/install-peers.sh, or eng/test.sh for everything.");

        // It takes no names.
        var address = (await Dns.GetHostAddressesAsync(host))[0];
        var port = FindFreePort(address);
        var start = new ProcessStartInfo(program, $"-A {address} -p {port} -v 0 -d 100 {arguments}")
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        var server = new LibcoapServer(Process.Start(start)!, host, port);
        try
        {
            // It answers pings as soon as it listens: they are sent again until then.
            var options = new CoapClientOptions { AckTimeout = TimeSpan.FromMilliseconds(20), MaxRetransmit = 10 };
            await using var client = await CoapClient.ConnectAsync(server.Uri, options);
            await client.PingAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    // It serves TCP by the same number, and DTLS by the next; other tests take ports of UDP all the time.
    private static int FindFreePort(IPAddress address)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var listener = new TcpListener(address, 0);
            listener.Start();
            var port = ((IPEndPoint)listener.LocalEndpoint).Port;
            try
            {
                foreach (var number in new[] { port, port + 1 })
                {
                    using var probe = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
                    probe.Bind(new IPEndPoint(address, number));
                }

                return port;
            }
            catch (SocketException) when (attempt < 20)
            {
                // Taken: another one.
            }
        }
    }
}
