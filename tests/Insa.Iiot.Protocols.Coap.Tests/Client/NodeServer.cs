using System.Diagnostics;
using System.Globalization;
using Insa.Iiot.Protocols.Coap.Tests.Peers;

namespace Insa.Iiot.Protocols.Coap.Tests.Client;

/// <summary>A server of the Node package <c>coap</c>, on a free port of its own; one for all tests of a class.</summary>
public sealed class NodeServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private Process? _process;

    public Uri Uri { get; private set; } = null!;

    /// <summary>Starts it, for the first test that asks. Skips the test where the package is missing.</summary>
    public async ValueTask StartAsync()
    {
        if (_process is not null)
            return;
        var start = new ProcessStartInfo(NodePeer.Program, NodePeer.Find("coap-server.mjs"))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start)!;
        var port = (await ReadAsync("listening"))["listening ".Length..];
        Uri = new Uri($"coap://127.0.0.1:{int.Parse(port, CultureInfo.InvariantCulture)}");
    }

    /// <summary>Waits until the server says something.</summary>
    public async Task<string> ReadAsync(string what)
    {
        var line = await _process!.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        Assert.StartsWith(what, line, StringComparison.Ordinal);
        return line!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is null)
            return;
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(Patience);
        _process.Dispose();
    }
}
