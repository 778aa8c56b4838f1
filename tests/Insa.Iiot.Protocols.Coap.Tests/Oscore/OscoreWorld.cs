using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Oscore;
using Insa.Iiot.Protocols.Coap.Server;
using Insa.Iiot.Protocols.Coap.Transport;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Protocols.Coap.Tests.Oscore;

/// <summary>A listener of OSCORE with the real pipeline behind it, whose wire, clock and stores are the test's.</summary>
internal sealed class OscoreWorld : IAsyncDisposable
{
    private ushort _id = 1000;

    private OscoreWorld(CoapWorld coap, MemoryControlStore control) => (Coap, Control, Listener) = (coap, control, Start(coap));

    public CoapWorld Coap { get; }

    public MemoryControlStore Control { get; }

    public OscoreListener Listener { get; private set; }

    public Wire Wire => Coap.Wire;

    /// <summary>What came back, in the order in which it did.</summary>
    public List<Sent> Heard { get; } = [];

    public static async Task<OscoreWorld> StartAsync(Action<CoapServerOptions>? configure = null)
    {
        var control = new MemoryControlStore();
        var coap = await CoapWorld.StartAsync(configure, services: services => services.AddSingleton<IControlStore>(control));
        return new OscoreWorld(coap, control);
    }

    /// <summary>Begins anew, with nothing but what the store has.</summary>
    public void Restart()
    {
        Listener.Endpoint.Stop();
        Listener.Dispose();
        Listener = Start(Coap);
    }

    public ushort NextId() => ++_id;

    public void Receive(OscoreDevice device, byte[] datagram) => Listener.Receive(device.Address, datagram);

    /// <summary>Sends a datagram and waits for what comes back.</summary>
    public async Task<Sent> ExchangeAsync(OscoreDevice device, byte[] datagram)
    {
        Receive(device, datagram);
        return await NextAsync();
    }

    public async Task<Sent> NextAsync()
    {
        var sent = await Wire.NextAsync();
        Heard.Add(sent);
        return sent;
    }

    /// <summary>Asks, gives back an Echo if one is asked for, and opens the response.</summary>
    public async Task<Sent> AskAsync(
        OscoreDevice device,
        CoapCode method,
        string path,
        byte[]? payload = null,
        byte token = 7,
        params (int Number, byte[] Value)[] options
    )
    {
        var answer = device.Open(
            await ExchangeAsync(device, device.Protect(NextId(), method, path, payload, token: token, options: options))
        )!;
        if (answer.Code != CoapCode.Unauthorized || answer.Option(CoapOptionNumber.Echo) is not { } echo)
            return answer;
        return device.Open(
            await ExchangeAsync(device, device.Protect(NextId(), method, path, payload, token: token, echo: echo, options: options))
        )!;
    }

    public Task<Sent> PostAsync(OscoreDevice device, int reading) =>
        AskAsync(device, CoapCode.Post, "telemetry", System.Text.Encoding.UTF8.GetBytes($$$"""{"data":{"n":{{{reading}}}}}"""));

    public void Pass(TimeSpan time)
    {
        Coap.Clock.Advance(time);
        Listener.Tick();
    }

    public async ValueTask DisposeAsync()
    {
        Listener.Endpoint.Stop();
        Listener.Dispose();
        await Coap.DisposeAsync();
    }

    private static OscoreListener Start(CoapWorld coap) =>
        new(coap.Services.GetRequiredService<CoapEndpointServices>(), coap.Wire, default);
}
