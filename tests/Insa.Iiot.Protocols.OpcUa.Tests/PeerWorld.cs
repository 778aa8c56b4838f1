using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Insa.Iiot.Protocols.OpcUa.Tests.Pki;

namespace Insa.Iiot.Protocols.OpcUa.Tests;

/// <summary>A host, and the client of node-opcua with a certificate of its own.</summary>
internal sealed class PeerWorld : IAsyncDisposable
{
    private const string PeerUri = "urn:test:peer";

    private readonly string _folder = Directory.CreateTempSubdirectory("opcua-peer").FullName;

    private PeerWorld(OpcUaHost host) => Host = host;

    public OpcUaHost Host { get; }

    public static async Task<PeerWorld> StartAsync(
        Action<OpcUaServerOptions>? configure = null,
        bool trusts = true,
        Action<IiotBuilder>? add = null
    )
    {
        var world = new PeerWorld(await OpcUaHost.StartAsync(configure, add: add));
        using var certificate = TestAuthority.SelfSigned("CN=Peer", uri: PeerUri);
        world.Write("client", certificate);
        world.Write("device", OpcUaHost.DeviceCertificate);
        if (trusts)
            world.Host.Trust(certificate);
        return world;
    }

    public async Task<JsonElement> RunAsync(
        string action,
        string policy,
        string mode,
        string token,
        string? password = null,
        int milliseconds = 0,
        int renewal = 0,
        string? user = null,
        string script = "client.mjs"
    )
    {
        var order = JsonSerializer.Serialize(
            new
            {
                action,
                policy,
                mode,
                url = Host.Url,
                folder = _folder,
                applicationUri = PeerUri,
                certificate = Path.Combine(_folder, "client.pem"),
                key = Path.Combine(_folder, "client.key"),
                milliseconds,
                renewal,
                token = new
                {
                    kind = token,
                    user = user ?? OpcUaHost.Device,
                    password = password ?? OpcUaHost.Password,
                    certificate = Path.Combine(_folder, "device.der"),
                    key = Path.Combine(_folder, "device.key"),
                },
            }
        );
        using var process = Process.Start(
            new ProcessStartInfo("node", [script, order])
            {
                WorkingDirectory = PeerFolder(),
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        var line = (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault(l => l.StartsWith('{'));
        Assert.True(line is not null, await error);
        return JsonDocument.Parse(line!).RootElement;
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private void Write(string name, X509Certificate2 certificate)
    {
        File.WriteAllText(Path.Combine(_folder, name + ".pem"), certificate.ExportCertificatePem());
        File.WriteAllBytes(Path.Combine(_folder, name + ".der"), certificate.RawData);
        File.WriteAllText(Path.Combine(_folder, name + ".key"), certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
    }

    private static string PeerFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var peers = Path.Combine(folder.FullName, "tests", "peers", "opcua");
            if (Directory.Exists(Path.Combine(peers, "node_modules", "node-opcua")))
                return peers;
        }

        throw new InvalidOperationException("The peer is not installed: run eng/install-peers.sh.");
    }
}
