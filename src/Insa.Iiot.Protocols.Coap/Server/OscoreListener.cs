using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Oscore;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>Puts OSCORE (RFC 8613) between a socket and an endpoint: to the endpoint, a device's context is a peer.</summary>
/// <remarks>A context gets a place only when a request of its device has opened with its key. The lock guards the tables, and no endpoint is called in it.</remarks>
internal sealed partial class OscoreListener : IDatagramHandler, IDatagramSender, IDisposable
{
    private const int MaxAnswerBytes = 16 * 1024 * 1024;
    private const int MaxSpareObservations = 8;

    private static readonly TimeSpan EvictableAfter = TimeSpan.FromSeconds(30);

    // More than a day, after which an observer is asked (RFC 7641 §4.5).
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromHours(25);
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(15);

    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<PeerAddress, OscoreSession> _byPeer = new();
    private readonly Dictionary<byte[], OscoreSession> _byIdContext = new(Utf8BytesComparer.Instance);
    private readonly Dictionary<PeerAddress, List<OscoreSession>> _byAddress = [];
    private readonly LinkedList<OscoreSession> _sessions = new();
    private readonly CoapEndpointServices _services;
    private readonly IDevicePskStore _keys;
    private readonly IControlStore _control;
    private readonly IDatagramSender _sender;
    private readonly CancellationToken _stopping;
    private readonly OscoreSessionSettings _settings;
    private readonly long _startedAt;
    private long _sweptAt;
    private long _lastSessionId;

    /// <exception cref="InvalidOperationException">The host lacks a store that this needs.</exception>
    public OscoreListener(CoapEndpointServices services, IDatagramSender sender, CancellationToken stopping)
    {
        (_services, _sender, _stopping) = (services, sender, stopping);
        _keys =
            services.Keys
            ?? throw new InvalidOperationException($"OSCORE needs a store of pre-shared keys: add one with {nameof(IDevicePskStore)}.");
        _control =
            services.Control
            ?? throw new InvalidOperationException(
                $"OSCORE needs a store to keep its sequence numbers in, as none may be used twice: add one with {nameof(IControlStore)}."
            );
        _settings = new OscoreSessionSettings
        {
            Time = services.Time,
            Budget = new OscoreBudget(MaxAnswerBytes),
            MaxObservations = (2 * services.Options.MaxObserversPerPeer) + MaxSpareObservations,
        };
        _startedAt = _sweptAt = services.Time.GetTimestamp();
        Endpoint = new CoapEndpoint(services, this, stopping);
    }

    public CoapEndpoint Endpoint { get; }

    /// <summary>How many contexts there are.</summary>
    public int SessionCount => _byPeer.Count;

    private int Seconds => (int)_services.Time.GetElapsedTime(_startedAt).TotalSeconds;

    public void Receive(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        if (!CoapHeader.TryRead(datagram, out var header))
        {
            _services.Metrics.Dropped("malformed");
            return;
        }

        if (!CoapMessage.TryRead(datagram, header.Code, out var message))
            Reject(peer, header, "malformed");
        else if (header.Code.Value == 0)
            ReceiveEmpty(peer, header);
        else if (header.Code.IsRequest && header.Type is CoapType.Confirmable or CoapType.NonConfirmable)
            ReceiveRequest(peer, header, message, datagram);
        else
            Reject(peer, header, "unexpected");
    }

    public void Tick()
    {
        Endpoint.Tick();
        var now = _services.Time.GetTimestamp();
        if (_services.Time.GetElapsedTime(_sweptAt, now) < SweepInterval)
            return;
        _sweptAt = now;
        while (Oldest(now, IdleTimeout) is { } idle)
            Close(idle);
        List<OscoreSession>? unproved = null;
        lock (_lock)
        {
            foreach (var session in _sessions)
            {
                if (_services.Time.GetElapsedTime(session.LastHeard, now).TotalSeconds <= OscoreSession.LifetimeSeconds)
                    break;
                if (session.KeepsAnswers)
                    session.ReleaseAnswers();
                if (!session.IsProved)
                    (unproved ??= []).Add(session);
            }
        }

        foreach (var session in unproved ?? [])
            Close(session);
    }

    public void Send(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        if (!_byPeer.TryGetValue(peer, out var session))
            return;
        var buffer = ArrayPool<byte>.Shared.Rent(UdpSocket.MaxDatagramBytes);
        var length = session.Send(datagram, buffer.AsSpan(0, UdpSocket.MaxDatagramBytes), out var address);
        if (length > 0)
            _sender.Send(address, buffer.AsSpan(0, length));
        else
            _services.Metrics.Dropped("unprotectable");
        ArrayPool<byte>.Shared.Return(buffer);
    }

    public void Dispose()
    {
        foreach (var (_, session) in _byPeer)
            Close(session);
    }

    private void Reject(in PeerAddress peer, CoapHeader header, string reason)
    {
        _services.Metrics.Dropped(reason);
        if (header.Type == CoapType.Confirmable)
            SendEmpty(peer, CoapType.Reset, header.MessageId);
    }

    // Of the layer below OSCORE, and not protected.
    private void ReceiveEmpty(in PeerAddress peer, CoapHeader header)
    {
        if (header.Type == CoapType.Confirmable)
        {
            SendEmpty(peer, CoapType.Reset, header.MessageId); // A ping (RFC 7252 §4.3).
            return;
        }

        if (header.Type is not (CoapType.Acknowledgement or CoapType.Reset) || !TryEnd(peer, header, out var session, out var id))
            return;
        Span<byte> inside = stackalloc byte[CoapHeader.Length];
        (header with { MessageId = id }).Write(inside, 0);
        Endpoint.Receive(session.Peer, session.Device, inside);
    }

    private bool TryEnd(in PeerAddress peer, CoapHeader header, [NotNullWhen(true)] out OscoreSession? session, out ushort id)
    {
        (session, id) = (null, 0);
        lock (_lock)
        {
            if (!_byAddress.TryGetValue(peer, out var there))
                return false;
            foreach (var candidate in there)
            {
                if (!candidate.TryEnd(header.Type, header.MessageId, out id))
                    continue;
                session = candidate;
                return true;
            }
        }

        return false;
    }

    private void ReceiveRequest(in PeerAddress peer, CoapHeader header, in CoapMessage message, ReadOnlySpan<byte> datagram)
    {
        if (!OscoreMessages.TryFindOption(message.Options, out var value))
        {
            Refuse(peer, header, message, CoapCode.Unauthorized, OscoreRefusal.Unprotected);
            return;
        }

        if (!OscoreOption.TryRead(value, out var option) || !option.HasKid || option.PartialIv.IsEmpty)
        {
            Refuse(peer, header, message, CoapCode.BadOption, OscoreRefusal.BadOption);
            return;
        }

        // RFC 8613 §8.2: what follows is told by 4.01 alone, whatever it was.
        if (!option.HasKidContext || !option.Kid.SequenceEqual(OscoreIdentity.ClientId))
        {
            Refuse(peer, header, message, CoapCode.Unauthorized, OscoreRefusal.WrongKey);
            return;
        }

        var request = new ProtectedRequest(header, message, option);
        if (TryFind(option.KidContext, out var session))
            Receive(session, peer, request, datagram);
        else
            Admit(peer, request, datagram);
    }

    private void Receive(OscoreSession session, in PeerAddress peer, in ProtectedRequest request, ReadOnlySpan<byte> datagram)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(UdpSocket.MaxDatagramBytes);
        var plain = buffer.AsSpan(0, UdpSocket.MaxDatagramBytes);
        var receipt = session.Receive(peer, datagram, request, Seconds, plain, out var length, out var former);
        switch (receipt)
        {
            case OscoreReceipt.Taken:
                Heard(session, peer, former);
                Endpoint.Receive(session.Peer, session.Device, plain[..length]);
                break;
            case OscoreReceipt.Repeated:
                _services.Metrics.Dropped("duplicate");
                SendIfAny(peer, plain[..length]);
                break;
            case OscoreReceipt.Unproved:
                _services.Metrics.Refused(OscoreRefusal.Unproved);
                SendIfAny(peer, plain[..length]);
                break;
            case OscoreReceipt.Replayed:
                Refuse(peer, request.Header, request.Message, CoapCode.Unauthorized, OscoreRefusal.Replayed);
                break;
            case OscoreReceipt.Forged:
                CheckKey(session, ForgedPatience);
                Refuse(peer, request.Header, request.Message, CoapCode.Unauthorized, OscoreRefusal.WrongKey);
                break;
            default:
                _services.Metrics.Refused(OscoreRefusal.Busy);
                break;
        }

        ArrayPool<byte>.Shared.Return(buffer, clearArray: receipt == OscoreReceipt.Taken);
    }

    private void Heard(OscoreSession session, in PeerAddress peer, PeerAddress? former)
    {
        lock (_lock)
        {
            if (session.Node.List is null)
                return;
            session.LastHeard = _services.Time.GetTimestamp();
            if (_sessions.Last != session.Node)
            {
                _sessions.Remove(session.Node);
                _sessions.AddLast(session.Node);
            }

            if (session.Address != peer)
                Place(session, peer);
        }

        CheckKey(session, _services.Options.TokenLifetime);
    }

    private void Place(OscoreSession session, PeerAddress? address)
    {
        if (session.Address is { } former && _byAddress.TryGetValue(former, out var there) && there.Remove(session) && there.Count == 0)
            _byAddress.Remove(former);
        session.Address = address;
        if (address is not { } here)
            return;
        if (!_byAddress.TryGetValue(here, out var sessions))
            _byAddress.Add(here, sessions = new List<OscoreSession>(1));
        sessions.Add(session);
    }

    private bool TryFind(ReadOnlySpan<byte> idContext, [NotNullWhen(true)] out OscoreSession? session)
    {
        lock (_lock)
            return _byIdContext.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(idContext, out session);
    }

    /// <returns><see langword="false"/> if there is no room for another.</returns>
    private bool TryAdd(OscoreSession session)
    {
        var now = _services.Time.GetTimestamp();
        var isFull = _byPeer.Count >= _services.Options.MaxSessions;
        if (isFull && Oldest(now, EvictableAfter) is { } oldest)
            Close(oldest);
        lock (_lock)
        {
            if (_byPeer.Count >= _services.Options.MaxSessions || !_byIdContext.TryAdd(session.IdContext, session))
                return false;
            session.LastHeard = session.CheckedAt = now;
            _byPeer[session.Peer] = session;
            _sessions.AddLast(session.Node);
        }

        _services.Metrics.SessionsChanged(1);
        return true;
    }

    private OscoreSession? Oldest(long now, TimeSpan silence)
    {
        lock (_lock)
            return _sessions.First is { } oldest && _services.Time.GetElapsedTime(oldest.Value.LastHeard, now) >= silence
                ? oldest.Value
                : null;
    }

    private void Close(OscoreSession session)
    {
        lock (_lock)
        {
            if (session.Node.List is null)
                return;
            _sessions.Remove(session.Node);
            _byIdContext.Remove(session.IdContext);
            Place(session, null);
        }

        _byPeer.TryRemove(session.Peer, out _);
        session.Dispose();
        _services.Metrics.SessionsChanged(-1);
        Endpoint.Closed(session.Peer);
    }

    // RFC 8613 §8.2: not protected, as there is no context to do it with. Never longer than what it answers.
    private void Refuse(in PeerAddress peer, CoapHeader header, in CoapMessage message, CoapCode code, string reason)
    {
        _services.Metrics.Refused(reason);
        var isConfirmable = header.Type == CoapType.Confirmable;
        Span<byte> buffer = stackalloc byte[UdpSocket.MaxDatagramBytes]; // a token may be long (RFC 8974)
        var writer = new CoapMessageWriter(buffer);
        writer.WriteHeader(
            new CoapHeader(
                isConfirmable ? CoapType.Acknowledgement : CoapType.NonConfirmable,
                code,
                isConfirmable ? header.MessageId : _settings.NextId(peer)
            ),
            message.Token
        );
        if (code == CoapCode.ServiceUnavailable)
            writer.WriteOption(CoapOptionNumber.MaxAge, 1);
        if (!writer.IsTruncated)
            _sender.Send(peer, writer.Written);
    }

    private void SendIfAny(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        if (!datagram.IsEmpty)
            _sender.Send(peer, datagram);
    }

    private void SendEmpty(in PeerAddress peer, CoapType type, ushort messageId)
    {
        Span<byte> buffer = stackalloc byte[CoapHeader.Length];
        new CoapHeader(type, default, messageId).Write(buffer, 0);
        _sender.Send(peer, buffer);
    }
}
