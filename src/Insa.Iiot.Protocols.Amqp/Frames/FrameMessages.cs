using System.Collections.Concurrent;
using Insa.Iiot.Protocols.Amqp.Telemetry;
using Insa.Iiot.Protocols.Amqp.Topology;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>Reads messages of frames. The tenant is in the routing key, and believed because the broker has checked who has written it.</summary>
internal sealed class FrameMessages(int partition, IEnumerable<string> trustedUsers, ITelemetryIngress ingress)
    : IMessageSource,
        IMessageReader
{
    private const int MaxTenants = 10_000;
    private const int MaxReplyName = 255;

    // What messages that cannot be read are kept under, as dead letters of their tenant.
    private static readonly DeviceId Host = DeviceId.Parse("iiot:frames");

    private readonly HashSet<string> _trusted = new(trustedUsers, StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DeviceSession> _sessions = new(StringComparer.Ordinal);

    public bool IsContentWithDeadLetters => true;

    public IMessageReader OpenReader() => this;

    public ValueTask<DeviceSession?> ReadSenderAsync(string name, CancellationToken cancellationToken) => default;

    public Sender FindSender(string routingKey, IReadOnlyBasicProperties properties, ReadOnlySpan<byte> body)
    {
        if (properties.UserId is not { } user || !_trusted.Contains(user))
            return Sender.Refused(RefusalNames.UntrustedUser);
        var name = FrameTopology.TenantOf(partition, routingKey);
        if (_sessions.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var session))
            return Sender.Of(session);
        if (!TenantId.TryParse(name.ToString(), out var tenant))
            return Sender.Refused(RefusalNames.BadRoutingKey);
        if (_sessions.Count >= MaxTenants)
            _sessions.Clear();
        return Sender.Of(_sessions[tenant.Value] = DeviceSession.ForAdmitted(tenant, Host).Over("amqp"));
    }

    public IngestReceipt Submit(DeviceSession session, IReadOnlyBasicProperties properties, ReadOnlySpan<byte> body)
    {
        if (properties.ContentType != FrameFormat.MediaType)
            return IngestReceipt.Rejected(IngestReason.UnsupportedFormat);
        var arrivedAt = FrameHeader.TryRead(body, out var header) ? header.ArrivedAt : null;
        return ingress.Submit(session, new TelemetryMessage(FrameDecoder.Frames, body) { ReceivedAt = arrivedAt });
    }

    public ReplyAddress? FindReplyAddress(IReadOnlyBasicProperties properties) =>
        properties is { ReplyTo: { Length: > 0 and <= MaxReplyName } queue, CorrelationId: { Length: > 0 and <= MaxReplyName } id }
            ? new ReplyAddress(queue, id)
            : null;
}
