using System.Diagnostics.Metrics;

namespace Insa.Iiot.Protocols.Coap.Diagnostics;

/// <summary>The package's instruments. What becomes of telemetry, the ingestion pipeline counts.</summary>
internal sealed class CoapMetrics
{
    public const string MeterName = "Insa.Iiot.Protocols.Coap";

    private readonly Counter<long> _requests;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _retransmitted;
    private readonly UpDownCounter<long> _observers;
    private readonly UpDownCounter<long> _sessions;
    private readonly UpDownCounter<long> _connections;

    public CoapMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(MeterName);
        _requests = meter.CreateCounter<long>("insa.iiot.coap.requests", "{request}", "Requests, duplicates not counted.");
        _refused = meter.CreateCounter<long>(
            "insa.iiot.coap.refusals",
            "{refusal}",
            "Requests, sessions and connections refused, by reason."
        );
        _dropped = meter.CreateCounter<long>(
            "insa.iiot.coap.datagrams.dropped",
            "{datagram}",
            "Datagrams that are not answered, by reason."
        );
        _retransmitted = meter.CreateCounter<long>("insa.iiot.coap.retransmissions", "{datagram}", "Messages of the server sent again.");
        _observers = meter.CreateUpDownCounter<long>("insa.iiot.coap.observers", "{observer}", "Observers.");
        _sessions = meter.CreateUpDownCounter<long>("insa.iiot.coap.sessions", "{session}", "DTLS sessions and OSCORE contexts.");
        _connections = meter.CreateUpDownCounter<long>(
            "insa.iiot.coap.connections",
            "{connection}",
            "Connections by TCP, TLS and WebSocket."
        );
    }

    public void Requested(long count) => _requests.Add(count);

    /// <param name="reason">From a fixed set: names of refusals below, of DTLS, of OSCORE, and of connections.</param>
    public void Refused(string reason) => _refused.Add(1, new KeyValuePair<string, object?>("reason", reason));

    /// <param name="reason">From a fixed set: <c>malformed</c>, <c>duplicate</c>, <c>unexpected</c>, <c>queue_full</c>.</param>
    public void Dropped(string reason) => _dropped.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Retransmitted() => _retransmitted.Add(1);

    public void Observing(int change) => _observers.Add(change);

    public void SessionsChanged(int change) => _sessions.Add(change);

    public void ConnectionsChanged(int change) => _connections.Add(change);

    public static string NameOf(CoapCode code) =>
        code.Value switch
        {
            0x80 => "bad_request",
            0x81 => "unauthorized",
            0x82 => "bad_option",
            0x83 => "forbidden",
            0x84 => "not_found",
            0x85 => "method_not_allowed",
            0x86 => "not_acceptable",
            0x88 => "incomplete",
            0x8C => "precondition_failed",
            0x8D => "too_large",
            0x8F => "unsupported_format",
            0x96 => "unprocessable",
            0x9D => "quota_exceeded",
            0xA0 => "internal_error",
            0xA3 => "unavailable",
            0xA5 => "proxy",
            _ => "other",
        };
}
