using System.Collections.Concurrent;
using System.Net;
using Insa.Iiot.Protocols.Coap.Dtls;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>Puts DTLS between a socket and an endpoint: to the endpoint, a session is a peer.</summary>
internal sealed class SecureListener : IDatagramHandler, IDatagramSender, IDtlsSink, IDisposable
{
    private readonly ConcurrentDictionary<PeerAddress, DtlsSession> _sessions = new();
    private readonly CoapEndpoint _endpoint;
    private readonly DtlsServer _dtls;
    private readonly CoapEndpointServices _services;

    public SecureListener(CoapEndpointServices services, CoapListenerOptions listener, UdpSocket socket, CancellationToken stopping)
    {
        _services = services;
        _endpoint = new CoapEndpoint(services, this, stopping);
        var settings = new DtlsServerSettings
        {
            Authenticator = services.Authenticator,
            Keys = services.Keys,
            Certificate = listener.Certificate,
            HandshakeTimeout = services.Options.HandshakeTimeout,
            MaxSessions = services.Options.MaxSessions,
            WakeAddress = AddressOf(socket.LocalEndPoint),
            Refused = services.Metrics.Refused,
        };
        _dtls = new DtlsServer(socket, this, settings, services.Time);
    }

    public CoapEndpoint Endpoint => _endpoint;

    public void Receive(in PeerAddress peer, ReadOnlySpan<byte> datagram) => _dtls.Receive(peer, datagram);

    public void Tick()
    {
        _dtls.Tick();
        _endpoint.Tick();
    }

    public void Send(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        if (_sessions.TryGetValue(peer, out var session))
            session.Send(datagram);
    }

    void IDtlsSink.Receive(DtlsSession session, ReadOnlySpan<byte> plaintext)
    {
        // Asked first, as adding takes a lock, and all records but a session's first have it there.
        if (!_sessions.ContainsKey(session.Peer) && _sessions.TryAdd(session.Peer, session))
            _services.Metrics.SessionsChanged(1);
        _endpoint.Receive(session.Peer, session.Device, plaintext);
    }

    void IDtlsSink.Closed(DtlsSession session)
    {
        if (_sessions.TryRemove(session.Peer, out _))
            _services.Metrics.SessionsChanged(-1);
        _endpoint.Closed(session.Peer);
    }

    void IDtlsSink.Moved(DtlsSession session) => _endpoint.Moved(session.Peer);

    public void Dispose() => _dtls.Dispose();

    // A socket of all addresses is reached at loopback.
    private static PeerAddress AddressOf(IPEndPoint local)
    {
        var address =
            local.Address.Equals(IPAddress.Any) ? IPAddress.Loopback
            : local.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback
            : local.Address;
        return PeerAddress.From(new IPEndPoint(address, local.Port));
    }
}
