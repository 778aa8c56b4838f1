using System.Diagnostics.Metrics;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Pki;

namespace Insa.Iiot.Protocols.OpcUa.Diagnostics;

/// <summary>The package's instruments. What becomes of telemetry, the ingestion pipeline counts.</summary>
internal sealed class OpcUaMetrics
{
    public const string MeterName = "Insa.Iiot.Protocols.OpcUa";
    public const string InternalError = "internal_error";
    public const string TooManyConnections = "too_many_connections";
    public const string TooManyOfAddress = "too_many_of_address";
    public const string Evicted = "evicted";
    public const string HandshakeTimeout = "handshake_timeout";
    public const string MessageTimeout = "message_timeout";
    public const string TokenExpired = "token_expired";
    public const string SlowReader = "slow_reader";

    private readonly UpDownCounter<long> _connections;
    private readonly UpDownCounter<long> _sessions;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _certificates;
    private readonly Counter<long> _signIns;
    private readonly Counter<long> _faults;
    private readonly UpDownCounter<long> _subscriptions;
    private readonly UpDownCounter<long> _items;
    private readonly Counter<long> _expired;
    private readonly Counter<long> _notifications;
    private readonly Counter<long> _discardedValues;
    private readonly Counter<long> _discardedMessages;
    private readonly Counter<long> _registrations;

    public OpcUaMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(MeterName);
        _connections = meter.CreateUpDownCounter<long>("insa.iiot.opcua.connections", "{connection}", "Open connections.");
        _sessions = meter.CreateUpDownCounter<long>("insa.iiot.opcua.sessions", "{session}", "Sessions, signed in to or not yet.");
        _closed = meter.CreateCounter<long>("insa.iiot.opcua.connections.refused", "{connection}", "Connections closed by us, by reason.");
        _certificates = meter.CreateCounter<long>(
            "insa.iiot.opcua.certificates.refused",
            "{certificate}",
            "Certificates refused, by problem."
        );
        _signIns = meter.CreateCounter<long>("insa.iiot.opcua.sign_ins", "{sign_in}", "Sign-ins, by outcome.");
        _faults = meter.CreateCounter<long>("insa.iiot.opcua.faults", "{request}", "Requests answered by a fault, by status.");
        _subscriptions = meter.CreateUpDownCounter<long>("insa.iiot.opcua.subscriptions", "{subscription}", "Subscriptions.");
        _items = meter.CreateUpDownCounter<long>("insa.iiot.opcua.monitored_items", "{item}", "Monitored items.");
        _expired = meter.CreateCounter<long>(
            "insa.iiot.opcua.subscriptions.expired",
            "{subscription}",
            "Subscriptions that ended for want of Publish requests."
        );
        _notifications = meter.CreateCounter<long>(
            "insa.iiot.opcua.notifications",
            "{notification}",
            "Values and events sent to subscribers."
        );
        _discardedValues = meter.CreateCounter<long>(
            "insa.iiot.opcua.notifications.discarded",
            "{notification}",
            "Values and events that found the queue of their item full; the subscriber is told."
        );
        _discardedMessages = meter.CreateCounter<long>(
            "insa.iiot.opcua.messages.discarded",
            "{message}",
            "Notification messages that nobody acknowledged and that made room for others."
        );
        _registrations = meter.CreateCounter<long>(
            "insa.iiot.opcua.registrations",
            "{registration}",
            "Registrations with a discovery server, by outcome."
        );
    }

    public void Connected(int change) => _connections.Add(change);

    public void Sessions(int change) => _sessions.Add(change);

    /// <param name="reason">From a fixed set: the constants of this class, or the name of a status code.</param>
    public void Refused(string reason) => _closed.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Refused(StatusCode status) => Refused(NameOf(status));

    public void CertificateRefused(CertificateProblem problem) =>
        _certificates.Add(1, new KeyValuePair<string, object?>("problem", problem.ToString()));

    /// <param name="outcome">The name of a status code.</param>
    public void SignedIn(StatusCode outcome) => _signIns.Add(1, new KeyValuePair<string, object?>("outcome", NameOf(outcome)));

    public void Faulted(StatusCode status) => _faults.Add(1, new KeyValuePair<string, object?>("status", NameOf(status)));

    /// <param name="outcome">The name of a status code.</param>
    public void Registered(StatusCode outcome) => _registrations.Add(1, new KeyValuePair<string, object?>("outcome", NameOf(outcome)));

    public void Subscriptions(int change) => _subscriptions.Add(change);

    public void MonitoredItems(int change) => _items.Add(change);

    public void SubscriptionExpired() => _expired.Add(1);

    public void Notified(int values) => _notifications.Add(values);

    public void ValueDiscarded() => _discardedValues.Add(1);

    public void MessagesDiscarded(int messages) => _discardedMessages.Add(messages);

    private static string NameOf(StatusCode status) => StatusCodes.NameOf(status) ?? "other";
}
