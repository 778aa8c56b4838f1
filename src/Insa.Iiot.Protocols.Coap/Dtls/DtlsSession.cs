using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>An established session. <see cref="Send"/> and <see cref="Close"/> are for any thread; the rest is for the socket's.</summary>
internal sealed class DtlsSession
{
    /// <summary>Fatal: nothing follows it.</summary>
    private const byte FatalLevel = 2;

    private const byte CloseNotify = 0;
    private const int MaxForgedPerPeriod = 64;
    private static readonly TimeSpan ForgedPeriod = TimeSpan.FromMilliseconds(100);

    [ThreadStatic]
    private static byte[]? _sendBuffer;

    private readonly Lock _lock = new();
    private readonly IDatagramSender _sender;
    private readonly DtlsRecords _records;
    private readonly Action<DtlsSession> _onClose;
    private byte[][]? _lastFlight;
    private PeerAddress _address;
    private volatile bool _isClosed;
    private long _forgedSince;
    private int _forged;

    public DtlsSession(
        long id,
        UInt128 helloId,
        PeerAddress address,
        DeviceSession device,
        DtlsRecords records,
        byte[][] lastFlight,
        IDatagramSender sender,
        Action<DtlsSession> onClose
    )
    {
        (Id, HelloId, Device, _address) = (id, helloId, device, address);
        (_records, _lastFlight, _sender, _onClose) = (records, lastFlight, sender, onClose);
        Peer = PeerAddress.OfSession(id);
        Node = new LinkedListNode<DtlsSession>(this);
        MaxPlaintextBytes = Math.Min(
            records.MaxPlaintextBytes,
            UdpSocket.MaxDatagramBytes - DtlsRecord.HeaderLength - DtlsRecords.MaxOverhead - records.PeerIdLength
        );
    }

    /// <summary>Stands for this session, whatever address its peer has.</summary>
    public PeerAddress Peer { get; }

    /// <summary>Whose session it is.</summary>
    public DeviceSession Device { get; }

    /// <summary>What <see cref="Send"/> takes at most.</summary>
    public int MaxPlaintextBytes { get; }

    /// <summary>Where its peer is now.</summary>
    public PeerAddress Address
    {
        get
        {
            lock (_lock)
                return _address;
        }
    }

    public long Id { get; }

    /// <summary>Of the ClientHello that it began with: one that comes again late is no new attempt.</summary>
    public UInt128 HelloId { get; }

    /// <summary>Whether its peer names it by id, and may come from anywhere.</summary>
    public bool HasConnectionId => !_records.OwnId.IsEmpty;

    public ReadOnlySpan<byte> ConnectionId => _records.OwnId;

    /// <summary>Its place among the sessions, ordered by when they last heard from their peers.</summary>
    public LinkedListNode<DtlsSession> Node { get; }

    public long LastHeard { get; set; }

    /// <summary>Sends a message, or loses it as the network may.</summary>
    /// <returns><see langword="false"/> if the session is closed or the message too long.</returns>
    public bool Send(ReadOnlySpan<byte> plaintext) =>
        plaintext.Length <= MaxPlaintextBytes && SendRecord(DtlsContentType.ApplicationData, plaintext);

    /// <summary>Ends the session: tells its peer, and then the sink on the socket's thread.</summary>
    public void Close()
    {
        if (End())
            _onClose(this);
    }

    /// <summary>Ends the session and tells its peer.</summary>
    /// <returns><see langword="false"/> if it had ended before.</returns>
    public bool End()
    {
        lock (_lock)
        {
            if (_isClosed)
                return false;
            SendRecord(DtlsContentType.Alert, [1, CloseNotify]);
            _isClosed = true;
            return true;
        }
    }

    /// <summary>Lets the keys go, when it has ended: on the socket's thread, which may have been about to use them.</summary>
    public void Release() => _records.Dispose();

    /// <summary>Opens a record of a datagram from <paramref name="from"/>.</summary>
    /// <param name="record">The record.</param>
    /// <param name="from">Where it came from.</param>
    /// <param name="now">The time.</param>
    /// <param name="time">Whose time it is.</param>
    /// <param name="buffer">Room for the plaintext.</param>
    /// <param name="length">How long the plaintext is; 0 if it holds no message.</param>
    /// <returns>What it was.</returns>
    public DtlsReceipt Receive(in DtlsRecord record, in PeerAddress from, long now, TimeProvider time, Span<byte> buffer, out int length)
    {
        length = 0;
        if (_isClosed || IsUnderFire(now, time))
            return DtlsReceipt.None;
        var opening = _records.Open(record, buffer, out var type, out var opened, out var isNewest);
        if (opening != DtlsOpening.Opened)
        {
            if (opening == DtlsOpening.Forged)
                _forged++;
            return DtlsReceipt.None;
        }

        var receipt = DtlsReceipt.Genuine;
        if (isNewest && HasConnectionId && from != _address)
        {
            lock (_lock)
                _address = from;
            receipt |= DtlsReceipt.Moved;
        }

        switch (type)
        {
            case DtlsContentType.ApplicationData:
                _lastFlight = null;
                length = opened;
                break;
            case DtlsContentType.Handshake when _lastFlight is not null:
                // RFC 6347 §4.2.4: the client says its last words again, so ours were lost.
                foreach (var datagram in _lastFlight)
                    _sender.Send(_address, datagram);
                break;
            case DtlsContentType.Alert when opened == 2 && (buffer[0] == FatalLevel || buffer[1] == CloseNotify):
                receipt |= DtlsReceipt.Closed;
                break;
        }

        return receipt;
    }

    // Each forged record costs an exception. Who forges them can delay this session so, but not the others.
    private bool IsUnderFire(long now, TimeProvider time)
    {
        if (_forged == 0)
        {
            _forgedSince = now;
            return false;
        }

        if (_forged >= MaxForgedPerPeriod && time.GetElapsedTime(_forgedSince, now) < ForgedPeriod)
            return true;
        if (time.GetElapsedTime(_forgedSince, now) >= ForgedPeriod)
            (_forged, _forgedSince) = (0, now);
        return false;
    }

    private bool SendRecord(DtlsContentType type, ReadOnlySpan<byte> plaintext)
    {
        var buffer = _sendBuffer ??= new byte[UdpSocket.MaxDatagramBytes];
        PeerAddress address;
        int length;
        lock (_lock)
        {
            if (_isClosed)
                return false;
            length = _records.Seal(type, plaintext, buffer);
            address = _address;
        }

        if (length == 0)
            return false;
        _sender.Send(address, buffer.AsSpan(0, length));
        return true;
    }
}
