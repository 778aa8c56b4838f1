namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>A queue of one tenant, whose messages are of its devices.</summary>
internal sealed class DeviceMessageSource(TelemetryBinding binding, ConsumerContext context) : IMessageSource
{
    private readonly DeviceSessions _devices = new(binding.Tenant, context.Registry, context.Time);

    public IMessageReader OpenReader() => new DeviceMessageReader(binding, _devices, context.Ingress);

    public ValueTask<DeviceSession?> ReadSenderAsync(string name, CancellationToken cancellationToken) =>
        _devices.ReadAsync(name, cancellationToken);
}
