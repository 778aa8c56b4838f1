using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>Reads messages of a tenant's devices, in any format that the pipeline knows.</summary>
internal sealed class DeviceMessageReader(TelemetryBinding binding, DeviceSessions devices, ITelemetryIngress ingress) : IMessageReader
{
    private const string Prefix = "telemetry.";

    private readonly MediaTypes _formats = new(ingress);
    private readonly char[] _nameInPayload = new char[DeviceId.MaxLength];

    public bool IsContentWithDeadLetters => false;

    public Sender FindSender(string routingKey, IReadOnlyBasicProperties properties, ReadOnlySpan<byte> body)
    {
        if (!TryName(routingKey, properties, body, out var name, out var refusal))
            return Sender.Refused(refusal);
        if (!devices.TryFind(name, out var session))
            return Sender.ToRead(name);
        return session is null ? Sender.Refused(RefusalNames.UnknownDevice) : Sender.Of(session);
    }

    public IngestReceipt Submit(DeviceSession session, IReadOnlyBasicProperties properties, ReadOnlySpan<byte> body) =>
        _formats.Find(properties.ContentType) is { } format
            ? ingress.Submit(session, new TelemetryMessage(format, body))
            : IngestReceipt.Rejected(IngestReason.UnsupportedFormat);

    public ReplyAddress? FindReplyAddress(IReadOnlyBasicProperties properties) => null;

    private static bool IsJson(string? contentType) =>
        string.IsNullOrEmpty(contentType) || contentType.StartsWith("application/json", StringComparison.OrdinalIgnoreCase);

    private bool TryName(
        string routingKey,
        IReadOnlyBasicProperties properties,
        ReadOnlySpan<byte> body,
        out ReadOnlySpan<char> name,
        out string refusal
    )
    {
        switch (binding.Device)
        {
            case AmqpDeviceSource.UserId:
                name = properties.UserId ?? "";
                refusal = RefusalNames.BadUserId;
                var at = name.LastIndexOf('@');
                if (at >= 0 && !name[(at + 1)..].SequenceEqual(binding.Tenant.Value))
                    return false;
                name = at >= 0 ? name[..at] : name;
                return name.Length > 0;
            case AmqpDeviceSource.Payload:
                refusal = RefusalNames.NoDeviceId;
                var length = 0;
                var isFound = IsJson(properties.ContentType) && PayloadDevice.TryFind(body, _nameInPayload, out length);
                name = _nameInPayload.AsSpan(0, length);
                return isFound;
            default:
                name = routingKey;
                refusal = RefusalNames.BadRoutingKey;
                if (!name.StartsWith(Prefix, StringComparison.Ordinal) || name.Length == Prefix.Length)
                    return false;
                name = name[Prefix.Length..];
                return true;
        }
    }
}
