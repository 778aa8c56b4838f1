using System.Net;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Server;
using Insa.Iiot.Protocols.Coap.Streams;
using Insa.Iiot.Protocols.Coap.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.Coap.Tests;

/// <summary>A host with the server and the real pipeline, a sink in memory that can hold its commits, and an endpoint whose wire and clock are the test's.</summary>
internal sealed class CoapWorld : ITelemetrySink, IDeviceAuthenticator, IDevicePskStore, IAsyncDisposable
{
    public const string Secret = "correct-horse-battery";
    public const string Token = "token=press@plant:" + Secret;

    private readonly IHost _host;
    private Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions? _http;
    private volatile TaskCompletionSource _gate = new();
    private volatile TaskCompletionSource _begun = new();
    private volatile TaskCompletionSource _authentications = new();
    private ushort _id = 100;

    private CoapWorld(Action<CoapServerOptions>? configure, bool isRealTime, bool isWeb, Action<IServiceCollection>? services)
    {
        _gate.SetResult();
        _authentications.SetResult();
        var web = isWeb ? WebApplication.CreateSlimBuilder() : null;
        web?.Logging.ClearProviders();
        web?.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => _http = listen));
        IHostApplicationBuilder builder = web ?? (IHostApplicationBuilder)Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddProvider(Logs).SetMinimumLevel(LogLevel.Trace);
        builder.Services.AddSingleton<ITelemetrySink>(this).AddSingleton<IDeviceAuthenticator>(this);
        builder.Services.AddSingleton(isRealTime ? TimeProvider.System : Clock).AddSingleton<IDevicePskStore>(this);
        builder
            .Services.AddIiot()
            .AddIngestion()
            .AddCoapServer(coap =>
            {
                coap.Listeners.Add(new CoapListenerOptions { Port = 0, IsPlain = true });
                configure?.Invoke(coap);
            });
        services?.Invoke(builder.Services);
        if (web is null)
        {
            _host = ((HostApplicationBuilder)builder).Build();
            return;
        }

        var app = web.Build();
        app.UseWebSockets();
        app.MapCoap();
        _host = app;
    }

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    public FakeLoggerProvider Logs { get; } = new();

    public Wire Wire { get; } = new();

    public CoapEndpoint Endpoint { get; private set; } = null!;

    public System.Collections.Concurrent.ConcurrentQueue<(
        string Tenant,
        string Device,
        string Metric,
        TelemetryValue Value
    )> Stored { get; } = new();

    public bool AuthenticatorIsDown { get; set; }

    public int Authentications;

    public Func<TelemetryValue, bool> Refuses { get; set; } = _ => false;

    public int MaxConcurrentWrites => 1;

    /// <summary>Completes when a write has begun since commits are held.</summary>
    public Task HeldWrite => _begun.Task;

    public IPEndPoint Address => Addresses[0];

    /// <summary>Where CoAP over WebSocket is, in a web host.</summary>
    public Uri WebSocketUri => new($"ws://{_http!.IPEndPoint}/.well-known/coap");

    public IServiceProvider Services => _host.Services;

    public System.Diagnostics.Metrics.IMeterFactory Meters =>
        _host.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>();

    public StreamServer Streams => _host.Services.GetRequiredService<StreamServer>();

    public IReadOnlyList<IPEndPoint> Addresses => _host.Services.GetRequiredService<CoapServerAddresses>().Endpoints;

    /// <summary>The certificates of <c>press@plant</c>, as SHA-256 in hexadecimal.</summary>
    public HashSet<string> Certificates { get; } = [];

    /// <summary>The pre-shared keys by identity.</summary>
    public System.Collections.Concurrent.ConcurrentDictionary<string, DevicePsk> Keys { get; } = new() { [Psk.Identity] = Psk };

    public static DevicePsk Psk { get; } = new("press@plant", System.Text.Encoding.ASCII.GetBytes(Secret));

    public static async Task<CoapWorld> StartAsync(
        Action<CoapServerOptions>? configure = null,
        bool isRealTime = false,
        bool isWeb = false,
        Action<IServiceCollection>? services = null
    )
    {
        var world = new CoapWorld(configure, isRealTime, isWeb, services);
        await world._host.StartAsync();
        world.Endpoint = new CoapEndpoint(world._host.Services.GetRequiredService<CoapEndpointServices>(), world.Wire, default);
        return world;
    }

    public void HoldCommits()
    {
        _begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void ReleaseCommits() => _gate.TrySetResult();

    public void HoldAuthentications() => _authentications = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void ReleaseAuthentications() => _authentications.TrySetResult();

    /// <summary>Starts a host with a listener of TCP, and one of TLS if there is a certificate for it.</summary>
    public static Task<CoapWorld> StartStreamsAsync(
        Action<CoapServerOptions>? configure = null,
        System.Security.Cryptography.X509Certificates.X509Certificate2? certificate = null,
        bool isRealTime = true,
        Action<IServiceCollection>? services = null
    ) =>
        StartAsync(
            coap =>
            {
                coap.Listeners.Add(
                    new CoapListenerOptions
                    {
                        Port = 0,
                        IsPlain = true,
                        Transport = CoapTransport.Tcp,
                    }
                );
                if (certificate is not null)
                {
                    coap.Listeners.Add(
                        new CoapListenerOptions
                        {
                            Port = 0,
                            Certificate = certificate,
                            Transport = CoapTransport.Tcp,
                        }
                    );
                }

                configure?.Invoke(coap);
            },
            isRealTime,
            isWeb: true,
            services
        );

    /// <summary>Lets time pass, and the endpoint see it.</summary>
    public void Pass(TimeSpan time)
    {
        Clock.Advance(time);
        Endpoint.Tick();
    }

    public void Receive(byte[] datagram, PeerAddress? peer = null) => Endpoint.Receive(peer ?? Wire.Near, datagram);

    /// <summary>Posts telemetry of <c>press@plant</c>, and does not wait for the answer.</summary>
    public ushort Post(string json, CoapType type = CoapType.Confirmable, ushort? id = null, PeerAddress? peer = null, byte token = 7)
    {
        var used = id ?? ++_id;
        Receive(Wire.Request(type, CoapCode.Post, used, [token], "telemetry?" + Token, System.Text.Encoding.UTF8.GetBytes(json)), peer);
        return used;
    }

    /// <summary>Sends a request of <c>press@plant</c> over a link that loses nothing, and reads its answer.</summary>
    public async Task<Sent> AskAsync(CoapCode method, string path, byte[]? payload = null, params (int Number, byte[] Value)[] options)
    {
        var withToken = path + (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + Token;
        Receive(Wire.Request(CoapType.Confirmable, method, ++_id, [1, 2], withToken, payload ?? [], options));
        return await Wire.NextAsync();
    }

    public async Task WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        _begun.TrySetResult();
        await _gate.Task.WaitAsync(cancellationToken);
        foreach (var chunk in batch.Chunks)
        {
            for (var i = 0; i < chunk.FrameCount; i++)
            {
                if (Refuses(chunk[i].GetValue(0)))
                {
                    chunk.Reject(i, IngestReason.Unstorable);
                    continue;
                }

                for (var v = 0; v < chunk[i].Count; v++)
                    Stored.Enqueue((chunk.Tenant.Value, chunk[i].Device.Value, chunk[i].Layout.Metrics[v], chunk[i].GetValue(v)));
            }
        }
    }

    public async ValueTask<DeviceSession?> AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref Authentications);
        await _authentications.Task.WaitAsync(cancellationToken);
        if (AuthenticatorIsDown)
            throw new TelemetryStoreException("The store is down.", isTransient: true);
        var isValid = credential.Kind switch
        {
            DeviceCredentialKind.PreSharedKey => true,
            DeviceCredentialKind.Certificate => Certificates.Contains(Convert.ToHexString(credential.CertificateSha256.Span)),
            _ => credential.Password.Span.SequenceEqual(System.Text.Encoding.UTF8.GetBytes(Secret)),
        };
        var userName = credential.Kind == DeviceCredentialKind.Certificate ? "press@plant" : credential.UserName;
        return isValid && DeviceCredential.TrySplitUserName(userName, out var device, out var tenant)
            ? new DeviceSession(tenant, device, device.Value == "gate" ? [DeviceId.Parse("pump")] : [])
            : null;
    }

    public ValueTask<DevicePsk?> SetPskAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public ValueTask<DevicePsk?> FindPskAsync(string identity, CancellationToken cancellationToken = default) =>
        AuthenticatorIsDown
            ? throw new TelemetryStoreException("The store is down.", isTransient: true)
            : ValueTask.FromResult(Keys.TryGetValue(identity, out var key) ? key : null);

    public async ValueTask DisposeAsync()
    {
        ReleaseCommits();
        ReleaseAuthentications();
        await _host.StopAsync();
        _host.Dispose();
    }
}
