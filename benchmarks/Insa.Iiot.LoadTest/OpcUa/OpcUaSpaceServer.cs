using System.Globalization;
using System.Text;
using Insa.Iiot.LoadTest.Serving;
using Insa.Iiot.Protocols.OpcUa;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>The OPC UA server over a store that holds one large tenant, in a process of its own; and what fills the store before.</summary>
internal static class OpcUaSpaceServer
{
    public const string User = "ann@example.com@load";
    public const string Password = "load";

    private const int DevicesAtOnce = 500;

    private static readonly TenantId Tenant = TenantId.Parse("load");

    /// <summary>Says its port, and serves until its input ends.</summary>
    public static async Task<int> RunAsync(string store, string folder)
    {
        await using var app = Build(
            store,
            folder,
            Environment.GetEnvironmentVariable(LoadServer.PostgresVariable),
            iiot =>
                iiot.AddOpcUaServer(opcua =>
                {
                    opcua.Listeners.Add(new OpcUaListenerOptions { Port = 0 });
                    opcua.CertificateFolder = Path.Combine(folder, "pki");
                    opcua.AllowUnsecured = true;
                })
        );
        await app.StartAsync();
        Console.WriteLine(app.Services.GetRequiredService<OpcUaServerAddresses>().Endpoints[0].Port.ToString(CultureInfo.InvariantCulture));
        while (await Console.In.ReadLineAsync() is not null)
            Console.WriteLine(GC.GetTotalAllocatedBytes(precise: true).ToString(CultureInfo.InvariantCulture));
        await app.StopAsync();
        return 0;
    }

    /// <summary>Registers the devices, each of which says all its values once.</summary>
    public static async Task FillAsync(OpcUaSpaceOptions options, string folder, string? postgres)
    {
        await using var app = Build(options.Store, folder, postgres, _ => { });
        await app.StartAsync();
        var registry = app.Services.GetRequiredService<IDeviceRegistry>();
        var ingress = app.Services.GetRequiredService<ITelemetryIngress>();
        foreach (var numbers in Enumerable.Range(0, options.Devices).Chunk(DevicesAtOnce))
        {
            var devices = Array.ConvertAll(numbers, number => new Device { Id = DeviceOf(number), DisplayName = $"Press number {number}" });
            var added = await registry.AddManyAsync(Tenant, devices);
            if (added.Any(result => result != DeviceAddResult.Added))
                throw new InvalidOperationException($"A device was not added: {added.First(result => result != DeviceAddResult.Added)}.");
            await Task.WhenAll(numbers.Select(number => SayAsync(ingress, number, options.Metrics)));
        }

        await app.StopAsync();
    }

    public static DeviceId DeviceOf(int number) => DeviceId.Parse(string.Create(CultureInfo.InvariantCulture, $"press-{number:D6}"));

    private static WebApplication Build(string store, string folder, string? postgres, Action<IiotBuilder> add)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IUserAuthenticator, PlantManager>();
        var iiot = builder.Services.AddIiot();
        if (store == "sqlite")
            iiot.AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(folder, "iiot.db"));
        else
            iiot.AddPostgresStorage(options =>
            {
                options.ConnectionString = postgres!;
                options.MigrateOnStart = false;
                options.CompactAfter = null;
            });
        iiot.AddIngestion();
        add(iiot);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        return builder.Build();
    }

    private static async Task SayAsync(ITelemetryIngress ingress, int number, int metrics)
    {
        var session = new DeviceSession(Tenant, DeviceOf(number));
        var json = new StringBuilder("{\"data\":{");
        for (var i = 0; i < metrics; i++)
            json.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? "" : ",")}\"m{i:D2}\":{number + (i / 16.0)}");
        var payload = System.Text.Encoding.UTF8.GetBytes(json.Append("}}").ToString());
        var receipt = ingress.Submit(session, new TelemetryMessage(PayloadFormat.Json, payload));
        while (receipt.Status == IngestStatus.Busy)
        {
            await ingress.WaitForCapacityAsync(session);
            receipt = ingress.Submit(session, new TelemetryMessage(PayloadFormat.Json, payload));
        }

        if (receipt.Commit is not { } commit || receipt.Settle(await commit) is not IngestReason.None)
            throw new InvalidOperationException($"A device's values were not stored: {receipt.Reason}.");
    }

    // May see all devices of the tenant.
    private sealed class PlantManager : IUserAuthenticator
    {
        private static readonly UserGrant Grant = new(Tenant, "1", User, 1, new HashSet<string> { "devices:read", "telemetry:read" });

        public ValueTask<UserGrant?> AuthenticateAsync(
            string userName,
            ReadOnlyMemory<byte> password,
            CancellationToken cancellationToken
        ) => FindAsync(userName, cancellationToken);

        public ValueTask<UserGrant?> FindAsync(string userName, CancellationToken cancellationToken) =>
            ValueTask.FromResult(userName == User ? Grant : null);
    }
}
