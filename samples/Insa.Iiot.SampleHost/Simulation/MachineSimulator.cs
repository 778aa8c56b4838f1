using System.Net;
using System.Text.Json;
using Insa.Iiot.Protocols.Mqtt;
using Insa.Iiot.SampleHost.Bootstrap;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;

namespace Insa.Iiot.SampleHost.Simulation;

/// <summary>Publishes for simulated machines, once a second each, over the host's own MQTT port like any other device.</summary>
internal sealed class MachineSimulator(
    HostSettings settings,
    IDeviceRegistry registry,
    MqttEndpointAddresses addresses,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<MachineSimulator> logger
) : BackgroundService
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly string[] _secrets = new string[settings.SimulatedMachines];

    public static DeviceId DeviceOf(int machine) => DeviceId.Parse($"sim-{machine + 1:000}");

    /// <summary>Registers the machines, or gives those of an earlier start new secrets: secrets are nowhere to be read again.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        for (var machine = 0; machine < _secrets.Length; machine++)
        {
            var device = new Device { Id = DeviceOf(machine), DisplayName = $"Simulated machine {machine + 1}" };
            await registry.AddAsync(FirstStart.Tenant, device, cancellationToken);
            _secrets[machine] = (await registry.RotateSecretAsync(FirstStart.Tenant, device.Id, cancellationToken))!;
        }

        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The listeners start after us and stop before us.
        using var running = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        try
        {
            await started.Task.WaitAsync(running.Token);
            await Task.WhenAll(Enumerable.Range(0, _secrets.Length).Select(machine => RunAsync(machine, running.Token)));
        }
        catch (OperationCanceledException) when (running.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task RunAsync(int machine, CancellationToken cancellationToken)
    {
        // Not all in the same instant.
        await Task.Delay(Pace * machine / _secrets.Length, time, cancellationToken);
        using var client = new MqttClientFactory().CreateMqttClient();
        var options = MakeOptions(machine);
        var simulated = new SimulatedMachine(machine + 1);
        using var timer = new PeriodicTimer(Pace, time);
        do
        {
            // The time is the machine's own, so that a reading sent twice is stored once.
            var reading = new { data = simulated.Next(), timestamp = time.GetUtcNow().ToUnixTimeMilliseconds() };
            var message = new MqttApplicationMessageBuilder()
                .WithTopic("telemetry")
                .WithPayload(JsonSerializer.SerializeToUtf8Bytes(reading, JsonSerializerOptions.Web))
                .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
                .Build();
            await PublishAsync(client, options, message, machine, cancellationToken);
        } while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Publishes until the host acknowledges, over a new connection if need be.</summary>
    private async Task PublishAsync(
        IMqttClient client,
        MqttClientOptions options,
        MqttApplicationMessage message,
        int machine,
        CancellationToken cancellationToken
    )
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                if (!client.IsConnected)
                    await client.ConnectAsync(options, cancellationToken);
                var result = await client.PublishAsync(message, cancellationToken);
                if (!result.IsSuccess)
                    logger.LogWarning("{Device} was refused a reading: {Reason}", DeviceOf(machine), result.ReasonCode);
                return;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                logger.LogWarning("{Device} cannot publish, and tries again in {Pause}: {Error}", DeviceOf(machine), pause, e.Message);
                await Task.Delay(pause, time, cancellationToken);
            }
        }
    }

    private MqttClientOptions MakeOptions(int machine)
    {
        var endpoint = addresses.Endpoints[0];
        var address =
            endpoint.Address.Equals(IPAddress.Any) ? IPAddress.Loopback
            : endpoint.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback
            : endpoint.Address;
        return new MqttClientOptionsBuilder()
            .WithEndPoint(new IPEndPoint(address, endpoint.Port))
            .WithProtocolVersion(MqttProtocolVersion.V500)
            .WithClientId(DeviceOf(machine).Value)
            .WithCredentials($"{DeviceOf(machine)}@{FirstStart.Tenant}", _secrets[machine])
            .Build();
    }
}
