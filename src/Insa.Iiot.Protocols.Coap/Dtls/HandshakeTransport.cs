using System.Buffers.Binary;
using Insa.Iiot.Protocols.Coap.Transport;
using Org.BouncyCastle.Tls;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>Carries the datagrams of one handshake: those of the socket's thread in, those of the handshake's thread out.</summary>
internal sealed class HandshakeTransport(IDatagramSender sender, PeerAddress peer, int idLength, CpuGate gate) : DatagramTransport
{
    // A flight in fragments; more at once is more than a client has to say.
    private const int MaxQueued = 16;

    private readonly object _lock = new();
    private readonly Queue<byte[]> _queue = new();
    private readonly List<byte[]> _lastFlight = [];
    private readonly ClientProof _proof = new();
    private bool _isAborted;
    private bool _lastChangesCipher;
    private bool _cipherChanged;
    private bool _awaitsProof;

    /// <summary>Called once before the first record of the last flight is sent: when the client has proved all that it must.</summary>
    public Action? BeforeLastFlight { get; set; }

    /// <summary>Whether the master secret comes from a pre-shared key: then a sealed record that does not open shows a wrong key.</summary>
    public bool UsesPresharedKey { get; set; }

    /// <summary>The highest sequence number that was sent in the new epoch.</summary>
    public ulong LastSequence { get; private set; }

    /// <summary>The ChangeCipherSpec and what followed it, to be sent again if some of it was lost.</summary>
    /// <remarks>Each in a datagram of its own: BouncyCastle's clients drop what follows a ChangeCipherSpec that they have had.</remarks>
    public byte[][] LastFlight => [.. _lastFlight];

    /// <summary>Whether datagrams wait to be read.</summary>
    public bool HasQueued
    {
        get
        {
            lock (_lock)
                return _queue.Count > 0;
        }
    }

    /// <summary>Takes a datagram, or drops it when too many wait: clients retransmit.</summary>
    public void Offer(ReadOnlySpan<byte> datagram)
    {
        lock (_lock)
        {
            if (_isAborted || _queue.Count >= MaxQueued)
                return;
            _queue.Enqueue(datagram.ToArray());
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Ends the handshake without another word.</summary>
    public void Abort()
    {
        lock (_lock)
        {
            _isAborted = true;
            Monitor.Pulse(_lock);
        }
    }

    /// <returns>A datagram that nobody has read; <see langword="null"/> if there is no other.</returns>
    public byte[]? TakeQueued()
    {
        lock (_lock)
            return _queue.TryDequeue(out var datagram) ? datagram : null;
    }

    public int GetReceiveLimit() => UdpSocket.MaxDatagramBytes;

    // What passes every network with IPv6 (1280 bytes) and some tunnel's header.
    public int GetSendLimit() => 1200;

    public int Receive(byte[] buf, int off, int len, int waitMillis) => Receive(buf.AsSpan(off, len), waitMillis);

    public int Receive(Span<byte> buffer, int waitMillis)
    {
        // BouncyCastle has read all that it was given. A ChangeCipherSpec before the key changed nothing; and had the client's
        // Finished opened, no more would be asked for. Who can forge a sealed record here could as well forge an alert.
        _cipherChanged |= _lastChangesCipher && UsesPresharedKey;
        if (_awaitsProof && UsesPresharedKey)
            throw new TlsFatalAlert(AlertDescription.decrypt_error);
        _awaitsProof = _lastChangesCipher = false;

        var datagram = Next(waitMillis);
        if (
            datagram is null
            || datagram.Length > buffer.Length
            || !HandshakeDatagram.TryRead(datagram, idLength, out _lastChangesCipher, out var sealedAt)
        )
            return -1;
        if (!_proof.TryFollow(datagram, idLength))
        {
            _lastChangesCipher = false;
            return -1;
        }

        _awaitsProof = sealedAt == 2 || (sealedAt == 1 && _cipherChanged);
        datagram.CopyTo(buffer);
        return datagram.Length;
    }

    public void Send(byte[] buf, int off, int len) => Send(buf.AsSpan(off, len));

    public void Send(ReadOnlySpan<byte> buffer)
    {
        var isLastFlight = buffer[0] == (byte)DtlsContentType.ChangeCipherSpec || _lastFlight.Count > 0;
        if (isLastFlight)
        {
            if (_lastFlight.Count == 0)
                BeforeLastFlight?.Invoke();
            if (BinaryPrimitives.ReadUInt16BigEndian(buffer[3..]) > 0)
                LastSequence = Math.Max(LastSequence, BinaryPrimitives.ReadUInt64BigEndian(buffer[3..]) & 0xFFFF_FFFF_FFFF);
            _lastFlight.Add(buffer.ToArray());
        }

        if (!Volatile.Read(ref _isAborted))
            sender.Send(peer, buffer);
    }

    public void Close() { }

    private byte[]? Next(int waitMillis)
    {
        lock (_lock)
        {
            if (_isAborted)
                throw new HandshakeAbortedException();
            if (_queue.TryDequeue(out var ready))
                return ready;
        }

        gate.Leave();
        try
        {
            lock (_lock)
            {
                if (_queue.Count == 0 && !_isAborted)
                    Monitor.Wait(_lock, waitMillis == 0 ? Timeout.Infinite : waitMillis);
            }
        }
        finally
        {
            gate.Enter();
        }

        lock (_lock)
        {
            if (_isAborted)
                throw new HandshakeAbortedException();
            return _queue.TryDequeue(out var datagram) ? datagram : null;
        }
    }
}
