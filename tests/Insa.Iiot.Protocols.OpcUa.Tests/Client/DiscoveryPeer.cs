using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Insa.Iiot.Peers;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Client;

/// <summary>The local discovery server of node-opcua.</summary>
internal sealed class DiscoveryPeer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly string _folder = Directory.CreateTempSubdirectory("opcua-lds").FullName;
    private readonly BlockingCollection<JsonElement> _said = [];
    private readonly Process _process;

    private DiscoveryPeer(int port, string kind)
    {
        Port = port;
        _process = Process.Start(
            new ProcessStartInfo("node", ["lds.mjs", $"{port}", _folder, kind])
            {
                WorkingDirectory = PeerWorld.PeerFolder(),
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is { } text && text.StartsWith('{'))
                _said.Add(JsonDocument.Parse(text).RootElement);
        };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Port { get; }

    public Uri Url => new($"opc.tcp://localhost:{Port}");

    public X509Certificate2 Certificate { get; private set; } = null!;

    public static async Task<DiscoveryPeer> StartAsync(string kind = "trusts", int? port = null)
    {
        var peer = new DiscoveryPeer(port ?? FreePorts.Next(), kind);
        var ready = await peer.NextAsync("ready");
        peer.Certificate = X509CertificateLoader.LoadCertificate(Convert.FromBase64String(ready.GetProperty("certificate").GetString()!));
        return peer;
    }

    /// <summary>Waits for what it says next.</summary>
    public async Task<JsonElement> NextAsync(string expected)
    {
        var said = await Task.Run(() => _said.TryTake(out var next, Patience) ? next : default);
        Assert.True(said.ValueKind == JsonValueKind.Object, "The discovery server says nothing.");
        Assert.Equal(expected, said.GetProperty("event").GetString());
        return said;
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(Patience);
        _process.Dispose();
        _said.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
