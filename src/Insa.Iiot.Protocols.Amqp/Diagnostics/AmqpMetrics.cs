using System.Diagnostics.Metrics;
using Insa.Iiot.Protocols.Amqp.Publishing;

namespace Insa.Iiot.Protocols.Amqp.Diagnostics;

internal sealed class AmqpMetrics
{
    private readonly Counter<long> _received;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _held;
    private readonly UpDownCounter<long> _connections;
    private readonly Counter<long> _published;
    private readonly Counter<long> _publishFailures;
    private readonly UpDownCounter<long> _blocked;
    private readonly Counter<long> _handedOver;
    private readonly Counter<long> _answersMissed;
    private readonly Counter<long> _eventsDropped;

    public AmqpMetrics(IMeterFactory factory)
    {
        var meter = factory.Create("Insa.Iiot.Protocols.Amqp");
        _received = meter.CreateCounter<long>("insa.iiot.amqp.received", "{message}", "Messages that were delivered.");
        _refused = meter.CreateCounter<long>("insa.iiot.amqp.refusals", "{message}", "Messages that were rejected, by reason.");
        _held = meter.CreateCounter<long>("insa.iiot.amqp.held", "{wait}", "Times that a queue was held back, by reason.");
        _connections = meter.CreateUpDownCounter<long>("insa.iiot.amqp.connections", "{connection}", "Connections to the broker.");
        _published = meter.CreateCounter<long>("insa.iiot.amqp.published", "{message}", "Messages that the broker has confirmed.");
        _publishFailures = meter.CreateCounter<long>(
            "insa.iiot.amqp.publish.failures",
            "{message}",
            "Messages that the broker has not confirmed, by reason."
        );
        _blocked = meter.CreateUpDownCounter<long>(
            "insa.iiot.amqp.blocked",
            "{connection}",
            "Connections by which the broker takes nothing for now."
        );
        _handedOver = meter.CreateCounter<long>("insa.iiot.amqp.frames.handed_over", "By", "Bytes of frames that were sent to writers.");
        _answersMissed = meter.CreateCounter<long>(
            "insa.iiot.amqp.frames.answers_missed",
            "{answer}",
            "Answers of a writer that were not given, or not had in time."
        );
        _eventsDropped = meter.CreateCounter<long>(
            "insa.iiot.amqp.events.dropped",
            "{event}",
            "Events that were not delivered, by reason."
        );
    }

    /// <param name="tenant">Whose queue it is: as many as there are queues.</param>
    public void Received(string tenant) => _received.Add(1, new KeyValuePair<string, object?>("tenant", tenant));

    public void Refused(string tenant, string reason) =>
        _refused.Add(1, new KeyValuePair<string, object?>("tenant", tenant), new KeyValuePair<string, object?>("reason", reason));

    public void Held(string tenant, string reason) =>
        _held.Add(1, new KeyValuePair<string, object?>("tenant", tenant), new KeyValuePair<string, object?>("reason", reason));

    public void ConnectionsChanged(int change) => _connections.Add(change);

    /// <param name="purpose">What is published: <c>commands</c>, <c>events</c> and the like.</param>
    public void Published(string purpose) => _published.Add(1, new KeyValuePair<string, object?>("purpose", purpose));

    public void PublishFailed(string purpose, PublishFailure failure) =>
        _publishFailures.Add(
            1,
            new KeyValuePair<string, object?>("purpose", purpose),
            new KeyValuePair<string, object?>("reason", NameOf(failure))
        );

    public void BlockedChanged(int change) => _blocked.Add(change);

    public void FramesHandedOver(int bytes) => _handedOver.Add(bytes);

    public void AnswerMissed() => _answersMissed.Add(1);

    /// <param name="reason"><c>no_subscriber</c>: no queue is bound for it; <c>off</c>: this host sends none.</param>
    public void EventDropped(string reason) => _eventsDropped.Add(1, new KeyValuePair<string, object?>("reason", reason));

    private static string NameOf(PublishFailure failure) =>
        failure switch
        {
            PublishFailure.Unroutable => "unroutable",
            PublishFailure.Refused => "refused",
            _ => "unavailable",
        };
}
