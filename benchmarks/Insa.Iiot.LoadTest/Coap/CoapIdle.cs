using System.Globalization;
using Insa.Iiot.Protocols.Coap;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Server;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>Weighs what the server keeps of devices that are silent: of each that has posted something, and of each that observes something.</summary>
/// <remarks>Of what is managed, after a full collection, without sockets, DTLS sessions and credentials. Answers go nowhere.</remarks>
internal sealed class CoapIdle : IDatagramSender, ITelemetrySink, IDeviceAuthenticator
{
    private const int AtOnce = 256;

    private int _answers;

    public int MaxConcurrentWrites => 1;

    public static async Task<int> RunAsync(int devices)
    {
        var sender = new CoapIdle();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<ITelemetrySink>(sender).AddSingleton<IDeviceAuthenticator>(sender);
        builder
            .Services.AddIiot()
            .AddIngestion()
            .AddCoapServer(coap =>
            {
                coap.Listeners.Add(new CoapListenerOptions { Port = 0, IsPlain = true });
                (coap.MaxPeers, coap.MaxObservers) = (2 * devices, 2 * devices);
                coap.Map("state").On(CoapCode.Get, (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Content)));
                coap.Resources[^1].IsObservable = true;
            });
        using var host = builder.Build();
        await host.StartAsync();
        var endpoint = new CoapEndpoint(host.Services.GetRequiredService<CoapEndpointServices>(), sender, default);
        var tenant = TenantId.Parse("plant");
        var sessions = new DeviceSession[devices];
        for (var i = 0; i < devices; i++)
            sessions[i] = new DeviceSession(tenant, DeviceId.Parse(string.Create(CultureInfo.InvariantCulture, $"device-{i}")));

        var empty = GC.GetTotalMemory(forceFullCollection: true);
        await SendAsync(i => Post(i));
        var peers = GC.GetTotalMemory(forceFullCollection: true);
        await SendAsync(i => Observe(i));
        var observers = GC.GetTotalMemory(forceFullCollection: true);
        if (endpoint.PeerCount != devices || endpoint.ObserverCount != devices)
            throw new InvalidOperationException("Not all devices were taken.");
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{devices} devices: {(peers - empty) / devices} B for each that has posted, {(observers - peers) / devices} B more for each that observes"
            )
        );
        GC.KeepAlive(sessions);
        await host.StopAsync();
        return 0;

        async Task SendAsync(Func<int, byte[]> request)
        {
            sender._answers = 0;
            for (var i = 0; i < devices; i++)
            {
                endpoint.Receive(PeerAddress.OfSession(i), sessions[i], request(i));
                while (i + 1 - Volatile.Read(ref sender._answers) >= AtOnce)
                    await Task.Yield();
            }

            while (Volatile.Read(ref sender._answers) < devices)
                await Task.Yield();
        }
    }

    public void Send(in PeerAddress peer, ReadOnlySpan<byte> datagram) => Interlocked.Increment(ref _answers);

    public Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask<DeviceSession?> AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<DeviceSession?>(null);

    private static byte[] Post(int id)
    {
        var writer = Begin(CoapCode.Post, id);
        writer.WriteOption(CoapOptionNumber.UriPath, "telemetry"u8);
        writer.WritePayload("""{"data":{"temp":21.5}}"""u8);
        return writer.Written.ToArray();
    }

    private static byte[] Observe(int id)
    {
        var writer = Begin(CoapCode.Get, id + 1);
        writer.WriteOption(CoapOptionNumber.Observe, default(ReadOnlySpan<byte>));
        writer.WriteOption(CoapOptionNumber.UriPath, "state"u8);
        return writer.Written.ToArray();
    }

    private static CoapMessageWriter Begin(CoapCode method, int id)
    {
        var writer = new CoapMessageWriter(new byte[128]);
        writer.WriteHeader(new CoapHeader(CoapType.Confirmable, method, (ushort)id), [1, 2, 3, 4]);
        return writer;
    }
}
