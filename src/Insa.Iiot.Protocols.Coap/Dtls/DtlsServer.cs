using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Insa.Iiot.Protocols.Coap.Transport;
using Org.BouncyCastle.Crypto.Prng;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.Tls.Crypto.Impl.BC;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>DTLS 1.2 on one socket (RFC 6347, with connection ids by RFC 9146): tells sessions, handshakes and strangers apart.</summary>
/// <remarks>All tables belong to the socket's thread. An address gets a place in one only when it has returned a cookie.</remarks>
internal sealed class DtlsServer : IDatagramHandler, IDisposable
{
    private const int ConnectionIdLength = 6;

    private readonly IDatagramSender _sender;
    private readonly IDtlsSink _sink;
    private readonly DtlsServerSettings _settings;
    private readonly TimeProvider _time;
    private readonly CookieGate _cookies;
    private readonly HandshakePool _pool;
    private readonly Dictionary<PeerAddress, DtlsHandshake> _handshakes = [];
    private readonly Dictionary<PeerAddress, DtlsSession> _byAddress = [];
    private readonly Dictionary<ulong, DtlsSession> _byConnectionId = [];
    private readonly LinkedList<DtlsSession> _sessions = new();
    private readonly ConcurrentQueue<DtlsSession> _closed = new();
    private readonly byte[] _plaintext = GC.AllocateUninitializedArray<byte>(UdpSocket.MaxDatagramBytes, pinned: true);
    private long _lastSessionId;

    public DtlsServer(IDatagramSender sender, IDtlsSink sink, DtlsServerSettings settings, TimeProvider time)
    {
        if (settings is { Keys: null, Certificate: null })
            throw new ArgumentException("A DTLS server needs a store of pre-shared keys, a certificate, or both.", nameof(settings));
        (_sender, _sink, _settings, _time) = (sender, sink, settings, time);
        var crypto = new BcTlsCrypto(new SecureRandom(new CryptoApiRandomGenerator()));
        _cookies = new CookieGate(sender, crypto, settings, time);
        _pool = new HandshakePool(crypto, settings, Wake);
    }

    /// <summary>How many sessions there are.</summary>
    public int SessionCount => _sessions.Count;

    /// <summary>How many handshakes are under way.</summary>
    public int HandshakeCount => _handshakes.Count;

    public void Receive(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        TakeEnded();
        if (datagram.Length < DtlsRecord.HeaderLength)
            return;
        if (ClientHello.Starts(datagram))
        {
            ReceiveHello(peer, datagram);
            return;
        }

        // Until a new handshake is done, the address may still be that of the session before it.
        if (!ReceiveRecords(peer, datagram) && _handshakes.TryGetValue(peer, out var handshake))
            handshake.Transport.Offer(datagram);
    }

    public void Tick()
    {
        TakeEnded();
        var now = _time.GetTimestamp();
        foreach (var (peer, handshake) in _handshakes)
        {
            if (_time.GetElapsedTime(handshake.StartedAt, now) >= _settings.HandshakeTimeout)
                GiveUp(peer, handshake);
        }

        while (_sessions.First is { } oldest && _time.GetElapsedTime(oldest.Value.LastHeard, now) >= _settings.SessionIdleTimeout)
            End(oldest.Value);
    }

    /// <summary>Ends all sessions, each told so. The socket must have stopped before.</summary>
    public void Dispose()
    {
        foreach (var (_, handshake) in _handshakes)
            handshake.Abort();
        _handshakes.Clear();
        _pool.Dispose();
        while (_sessions.First is { } session)
            End(session.Value);
    }

    private static UInt128 IdOf(in ClientHello hello) => MemoryMarshal.Read<UInt128>(hello.Random[16..]);

    private static ulong KeyOf(ReadOnlySpan<byte> connectionId)
    {
        var key = 0UL;
        foreach (var octet in connectionId)
            key = (key << 8) | octet;
        return key;
    }

    private void ReceiveHello(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        if (!ClientHello.TryRead(datagram, out var hello) || _cookies.Verify(peer, datagram, hello) is not { } request)
            return;
        var id = IdOf(hello);
        if (_handshakes.TryGetValue(peer, out var running))
        {
            if (running.HelloId == id)
            {
                running.Transport.Offer(datagram);
                return;
            }

            // The client has begun anew.
            GiveUp(peer, running);
        }

        if (_byAddress.TryGetValue(peer, out var session) && session.HelloId == id)
            return;
        if (_sessions.Count >= _settings.MaxSessions && Evictable() is null)
        {
            _settings.Refused(DtlsRefusal.SessionsFull);
            return;
        }

        if (_pool.IsFull && !TryMakeRoom())
        {
            _settings.Refused(DtlsRefusal.HandshakesFull);
            return;
        }

        var transport = new HandshakeTransport(_sender, peer, ConnectionIdLength, _pool.Gate);
        var connectionId = RandomNumberGenerator.GetBytes(ConnectionIdLength);
        var handshake = new DtlsHandshake(peer, id, connectionId, request, transport, _time.GetTimestamp());
        _handshakes.Add(peer, handshake);
        _pool.Start(handshake);
    }

    /// <returns>Whether a session knew it for its own.</returns>
    private bool ReceiveRecords(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        var isGenuine = false;
        while (DtlsRecord.TryRead(ref datagram, ConnectionIdLength, out var record))
        {
            if (record.Epoch == 0)
                continue;
            var session =
                record.Type == DtlsContentType.WithConnectionId
                    ? _byConnectionId.GetValueOrDefault(KeyOf(record.ConnectionId))
                    : _byAddress.GetValueOrDefault(peer);
            if (session is not null)
                isGenuine |= ReceiveRecord(session, peer, record);
        }

        return isGenuine;
    }

    private bool ReceiveRecord(DtlsSession session, in PeerAddress peer, in DtlsRecord record)
    {
        var now = _time.GetTimestamp();
        var former = session.Address;
        var receipt = session.Receive(record, peer, now, _time, _plaintext, out var length);
        if (receipt == DtlsReceipt.None)
            return false;
        session.LastHeard = now;
        if (_sessions.Last != session.Node)
        {
            _sessions.Remove(session.Node);
            _sessions.AddLast(session.Node);
        }

        if ((receipt & DtlsReceipt.Moved) == DtlsReceipt.Moved)
        {
            if (_byAddress.TryGetValue(former, out var there) && there == session)
                _byAddress.Remove(former);
            _byAddress.TryAdd(peer, session);
            _sink.Moved(session);
        }

        if ((receipt & DtlsReceipt.Closed) == DtlsReceipt.Closed)
            End(session);
        else if (length > 0)
            _sink.Receive(session, _plaintext.AsSpan(0, length));
        return true;
    }

    /// <summary>Takes what other threads have left for this one.</summary>
    private void TakeEnded()
    {
        while (_closed.TryDequeue(out var session))
            Forget(session);
        while (_pool.TakeEnded() is { } handshake)
        {
            Take(handshake);
            handshake.Dispose();
        }
    }

    private void Take(DtlsHandshake handshake)
    {
        var peer = handshake.Peer;
        if (!_handshakes.TryGetValue(peer, out var current) || current != handshake)
        {
            // It was given up, and counted then.
            handshake.Records?.Dispose();
            return;
        }

        _handshakes.Remove(peer);
        if (handshake.Refusal is not null)
        {
            _settings.Refused(handshake.Refusal);
            return;
        }

        Open(handshake);
        while (handshake.Transport.TakeQueued() is { } datagram)
            ReceiveRecords(peer, datagram);
    }

    private void Open(DtlsHandshake handshake)
    {
        var (peer, device, records) = (handshake.Peer, handshake.Device!, handshake.Records!);
        var hasConnectionId = !records.OwnId.IsEmpty;
        var session = new DtlsSession(
            ++_lastSessionId,
            handshake.HelloId,
            peer,
            device,
            records,
            handshake.Transport.LastFlight,
            _sender,
            _closed.Enqueue
        )
        {
            LastHeard = _time.GetTimestamp(),
        };

        // A session with an id may live on elsewhere, unless it is the same device that has begun anew.
        if (_byAddress.TryGetValue(peer, out var former) && (!former.HasConnectionId || IsSameDevice(former, device)))
            End(former);
        if (_sessions.Count >= _settings.MaxSessions && Evictable() is { } idle)
            End(idle);
        if (_sessions.Count >= _settings.MaxSessions || (hasConnectionId && !_byConnectionId.TryAdd(KeyOf(records.OwnId), session)))
        {
            session.End();
            session.Release();
            _settings.Refused(DtlsRefusal.SessionsFull);
            return;
        }

        _byAddress[peer] = session;
        _sessions.AddLast(session.Node);
    }

    private static bool IsSameDevice(DtlsSession session, DeviceSession device) =>
        session.Device.Device == device.Device && session.Device.Tenant == device.Tenant;

    private DtlsSession? Evictable() =>
        _sessions.First is { } oldest && _time.GetElapsedTime(oldest.Value.LastHeard) >= _settings.SessionEvictableAfter
            ? oldest.Value
            : null;

    /// <summary>Gives up the oldest handshake if it has had its time: its thread takes the next one soon.</summary>
    private bool TryMakeRoom()
    {
        DtlsHandshake? oldest = null;
        foreach (var (_, handshake) in _handshakes)
        {
            if (oldest is null || handshake.StartedAt < oldest.StartedAt)
                oldest = handshake;
        }

        if (oldest is null || _pool.IsExhausted || _time.GetElapsedTime(oldest.StartedAt) < _settings.HandshakePatience)
            return false;
        GiveUp(oldest.Peer, oldest);
        return true;
    }

    private void GiveUp(in PeerAddress peer, DtlsHandshake handshake)
    {
        _handshakes.Remove(peer);
        handshake.Abort();
        _settings.Refused(DtlsRefusal.HandshakeTimeout);
    }

    private void End(DtlsSession session)
    {
        session.End();
        Forget(session);
    }

    private void Forget(DtlsSession session)
    {
        // Closed by another thread and by its peer at once, it comes here twice.
        if (session.Node.List is null)
            return;
        _sessions.Remove(session.Node);
        if (_byAddress.TryGetValue(session.Address, out var there) && there == session)
            _byAddress.Remove(session.Address);
        if (session.HasConnectionId)
            _byConnectionId.Remove(KeyOf(session.ConnectionId));
        session.Release();
        _sink.Closed(session);
    }

    private void Wake()
    {
        if (_settings.WakeAddress is { } address)
            _sender.Send(address, []);
    }
}
