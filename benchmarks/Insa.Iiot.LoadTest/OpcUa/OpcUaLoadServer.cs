using System.Globalization;
using System.Text;
using Insa.Iiot.Protocols.OpcUa;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>
/// The OPC UA server under test in a process of its own, over SQLite, with the plant's devices. Says its port, then answers <c>allocated</c> and
/// <c>collect</c> until its input ends.
/// </summary>
internal static class OpcUaLoadServer
{
    /// <param name="load">How often a second the variables change, and how many of them: <c>10x5000</c>.</param>
    /// <param name="folder">Where the database goes; its <c>pki</c> trusts the generator already.</param>
    public static async Task<int> RunAsync(string load, string folder)
    {
        var numbers = load.Split('x').Select(text => int.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IDeviceAuthenticator, PlantGateway>();
        var iiot = builder.Services.AddIiot();
        iiot.AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(folder, "iiot.db"));
        iiot.AddIngestion();
        iiot.AddOpcUaServer(opcua =>
        {
            opcua.Listeners.Add(new OpcUaListenerOptions { Port = 0 });
            opcua.CertificateFolder = Path.Combine(folder, "pki");
            opcua.AllowUnsecured = true;
            opcua.MaxConnections = opcua.MaxConnectionsPerAddress = opcua.MaxNewConnectionsPerSecond = 2000;
            opcua.MaxSessions = opcua.MaxSessionsPerTenant = 2000;
        });
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        await using var app = builder.Build();
        await AddDevicesAsync(app.Services.GetRequiredService<IDeviceRegistry>());
        await app.StartAsync();
        await SendAsync(app.Services, OpcUaPlant.Variables, 0);
        using var stop = new CancellationTokenSource();
        var changing = numbers[0] == 0 ? Task.CompletedTask : ChangeAsync(app.Services, numbers[0], numbers[1], stop.Token);

        var endpoint = app.Services.GetRequiredService<OpcUaServerAddresses>().Endpoints[0];
        Console.WriteLine(endpoint.Port.ToString(CultureInfo.InvariantCulture));
        while (await Console.In.ReadLineAsync() is { } command)
        {
            if (command == "collect")
                GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            Console.WriteLine(GC.GetTotalAllocatedBytes(precise: true).ToString(CultureInfo.InvariantCulture));
        }

        await stop.CancelAsync();
        await changing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await app.StopAsync();
        return 0;
    }

    private static async Task AddDevicesAsync(IDeviceRegistry registry)
    {
        var devices = Enumerable
            .Range(0, OpcUaPlant.Devices)
            .Select(i => new Device { Id = DeviceId.Parse(OpcUaPlant.DeviceOf(i * OpcUaPlant.MetricsPerDevice)) });
        await registry.AddManyAsync(TenantId.Parse(OpcUaPlant.Tenant), [.. devices]);
    }

    private static async Task ChangeAsync(IServiceProvider services, int rate, int changing, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / rate));
        for (var round = 1; await timer.WaitForNextTickAsync(cancellationToken); round++)
            await SendAsync(services, changing, round);
    }

    // Each device says all its values at once, as devices do; they are in the store when this returns.
    private static async Task SendAsync(IServiceProvider services, int count, int round)
    {
        var ingress = services.GetRequiredService<ITelemetryIngress>();
        var commits = new List<(IngestReceipt Receipt, Task<CommitResult> Commit)>();
        for (var first = 0; first < count; first += OpcUaPlant.MetricsPerDevice)
        {
            var session = new DeviceSession(TenantId.Parse(OpcUaPlant.Tenant), DeviceId.Parse(OpcUaPlant.DeviceOf(first)));
            var json = Message(first, Math.Min(OpcUaPlant.MetricsPerDevice, count - first), round);
            var receipt = ingress.Submit(session, new TelemetryMessage(PayloadFormat.Json, json));
            while (receipt.Status == IngestStatus.Busy)
            {
                await ingress.WaitForCapacityAsync(session);
                receipt = ingress.Submit(session, new TelemetryMessage(PayloadFormat.Json, json));
            }

            if (receipt is not { Status: IngestStatus.Accepted, Commit: { } commit })
                throw new InvalidOperationException($"The plant's values were refused: {receipt.Reason}.");
            commits.Add((receipt, commit));
        }

        foreach (var (receipt, commit) in commits)
        {
            if (receipt.Settle(await commit) is var reason && reason != IngestReason.None)
                throw new InvalidOperationException($"The plant's values were not stored: {reason}.");
        }
    }

    private static byte[] Message(int first, int count, int round)
    {
        var json = new StringBuilder("{\"data\":{");
        for (var i = 0; i < count; i++)
            json.Append(
                CultureInfo.InvariantCulture,
                $"{(i == 0 ? "" : ",")}\"{OpcUaPlant.MetricOf(first + i)}\":{round + ((first + i) / (double)OpcUaPlant.Variables):F4}"
            );
        return System.Text.Encoding.UTF8.GetBytes(json.Append("}}").ToString());
    }

    // Whoever signs in speaks for the whole plant.
    private sealed class PlantGateway : IDeviceAuthenticator
    {
        private static readonly DeviceSession Session = new(
            TenantId.Parse(OpcUaPlant.Tenant),
            DeviceId.Parse(OpcUaPlant.DeviceOf(0)),
            Enumerable.Range(0, OpcUaPlant.Devices).Select(i => DeviceId.Parse(OpcUaPlant.DeviceOf(i * OpcUaPlant.MetricsPerDevice)))
        );

        public ValueTask<DeviceSession?> AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult<DeviceSession?>(Session);
    }
}
