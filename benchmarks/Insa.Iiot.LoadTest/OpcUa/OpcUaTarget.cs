using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Serving;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>A server under load, and how to log in to it.</summary>
internal sealed class OpcUaTarget : IAsyncDisposable
{
    private readonly ServerProcess _process;
    private readonly OpcUaOptions _options;

    private OpcUaTarget(ServerProcess process, OpcUaOptions options, ushort ns) => (_process, _options, Namespace) = (process, options, ns);

    public string Name => _process.Name;

    public int Id => _process.Id;

    /// <summary>The namespace of its variables.</summary>
    public ushort Namespace { get; }

    /// <summary>Starts ours: a device logs in by its user name, and has the variables of its tenant.</summary>
    public static async Task<OpcUaTarget> StartOursAsync(OpcUaOptions options) =>
        new(await ServerProcess.StartOpcUaAsync(RateOf(options), options.Items), options, ns: 3);

    /// <summary>Starts node-opcua's, for anonymous clients.</summary>
    public static async Task<OpcUaTarget> StartNodeAsync(OpcUaOptions options) =>
        new(await ServerProcess.StartNodeOpcUaAsync(RateOf(options), options.Items), options, ns: 1);

    public OpcUaClient Connect() =>
        OpcUaClient.Connect(
            _process.Port,
            _options.Policy,
            _process.IsOurs ? OpcUaPlant.User : null,
            _process.IsOurs ? OpcUaPlant.Password : null
        );

    public async Task<OpcUaUsage> UsageAsync()
    {
        var usage = ProcessUsage.Of(_process.Id);
        return new OpcUaUsage(
            usage.CpuSeconds,
            usage.PeakBytes / 1024.0 / 1024.0,
            _process.IsOurs ? await _process.AskAsync("allocated") : null
        );
    }

    /// <summary>Has our server collect its garbage, so that its size is that of what it keeps. Node has no such question.</summary>
    public async Task CollectAsync()
    {
        if (_process.IsOurs)
            await _process.AskAsync("collect");
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static int RateOf(OpcUaOptions options) => options.Mode == "subscribe" ? options.Rate : 0;
}
