using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Insa.Iiot.Protocols.Mqtt.Tests;

/// <summary>A host with the endpoint, the real pipeline, and a sink in memory that can hold its commits.</summary>
internal sealed class MqttHost : ITelemetrySink, IDeviceAuthenticator, IDeadLetterStore, IAsyncDisposable
{
    public const string Password = "correct-horse-battery";

    private readonly WebApplication _app;
    private ListenOptions _http = null!;
    private volatile TaskCompletionSource _gate = new();
    private volatile TaskCompletionSource _begun = new();

    private MqttHost(Action<MqttEndpointOptions>? configure, TimeProvider? time, bool keepsDeadLetters, Action<IiotBuilder>? add)
    {
        _gate.SetResult();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(Logs).SetMinimumLevel(LogLevel.Trace);
        builder.Services.AddSingleton<ITelemetrySink>(this).AddSingleton<IDeviceAuthenticator>(this);
        if (keepsDeadLetters)
            builder.Services.AddSingleton<IDeadLetterStore>(this);
        if (time is not null)
            builder.Services.AddSingleton(time);
        var iiot = builder.Services.AddIiot();
        add?.Invoke(iiot);
        iiot.AddIngestion()
            .AddMqttEndpoint(options =>
            {
                options.Listeners.Add(new MqttListenerOptions { Port = 0 });
                configure?.Invoke(options);
            });
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => _http = listen));
        _app = builder.Build();
        _app.UseWebSockets();
        _app.MapMqtt("/mqtt");
    }

    public IServiceProvider Services => _app.Services;

    public FakeLoggerProvider Logs { get; } = new();

    public ConcurrentQueue<(string Tenant, string Device, string Metric, TelemetryValue Value)> Stored { get; } = new();

    public ConcurrentQueue<DeadLetter> Letters { get; } = new();

    public bool AuthenticatorIsDown { get; set; }

    public Func<TelemetryValue, bool> Refuses { get; set; } = _ => false;

    public int MaxConcurrentWrites => 1;

    public int HttpPort => _http.IPEndPoint!.Port;

    public IPEndPoint Endpoint => Endpoints[0];

    public IReadOnlyList<IPEndPoint> Endpoints => _app.Services.GetRequiredService<MqttEndpointAddresses>().Endpoints;

    public static async Task<MqttHost> StartAsync(
        Action<MqttEndpointOptions>? configure = null,
        TimeProvider? time = null,
        bool keepsDeadLetters = true,
        Action<IiotBuilder>? add = null
    )
    {
        var host = new MqttHost(configure, time, keepsDeadLetters, add);
        await host._app.StartAsync();
        return host;
    }

    /// <summary>Completes when a write has begun since commits are held.</summary>
    public Task HeldWrite => _begun.Task;

    public void HoldCommits()
    {
        _begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void ReleaseCommits() => _gate.TrySetResult();

    public Task StopAsync() => _app.StopAsync();

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

    public ValueTask<DeviceSession?> AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken = default)
    {
        if (AuthenticatorIsDown)
            throw new TelemetryStoreException("The store is down.", isTransient: true);
        var isValid =
            credential.CertificateSha256.Length == 32
            || credential.Password.Span.SequenceEqual(System.Text.Encoding.UTF8.GetBytes(Password));
        return ValueTask.FromResult(
            isValid && DeviceCredential.TrySplitUserName(credential.UserName ?? "press@plant", out var device, out var tenant)
                ? new DeviceSession(tenant, device, device.Value == "gate" ? [DeviceId.Parse("pump")] : [])
                : null
        );
    }

    public Task AppendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken)
    {
        foreach (var letter in letters)
            Letters.Enqueue(letter);
        return Task.CompletedTask;
    }

    public ValueTask<IReadOnlyList<DeadLetter>> ListAsync(
        TenantId tenant,
        long afterId,
        int limit,
        CancellationToken cancellationToken = default
    ) => ValueTask.FromResult<IReadOnlyList<DeadLetter>>([.. Letters]);

    public ValueTask<DeadLetter?> FindAsync(TenantId tenant, long id, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(Letters.FirstOrDefault(letter => letter.Tenant == tenant && letter.Id == id));

    public ValueTask<bool> RemoveAsync(TenantId tenant, long id, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(false);

    public async ValueTask DisposeAsync()
    {
        ReleaseCommits();
        await _app.DisposeAsync();
    }
}
