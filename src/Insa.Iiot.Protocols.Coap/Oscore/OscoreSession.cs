using System.Buffers.Binary;
using Insa.Iiot.Protocols.Coap.Dtls;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Security;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>The server's side of a device's context: it lives from the device's first genuine request until it was silent for long. Thread-safe.</summary>
/// <remarks>
/// Two rules keep nonces and requests from being used twice, whatever is lost. All that is sealed here has a sequence number of its own, which
/// <see cref="OscoreNumbers"/> never gives out again; no response takes its request's. And as the replay window begins empty, no request is taken
/// before one has shown, by an Echo of ours, that it is of now: until then, and from any other address, an answer is an Echo and nothing more.
/// </remarks>
internal sealed partial class OscoreSession : IDisposable
{
    /// <summary>EXCHANGE_LIFETIME (RFC 7252 §4.8.2), for which duplicates may come.</summary>
    public const int LifetimeSeconds = 247;

    // What a device may have at work, so that nothing is taken that could not be answered.
    private const int MaxAnswers = 256;
    private const int MaxRepeats = 8;
    private const int MaxUnderFire = 64;
    private static readonly TimeSpan FirePeriod = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly OscoreContext _context;
    private readonly OscoreNumbers _numbers;
    private readonly OscoreSessionSettings _settings;
    private readonly OscoreRequests _requests;
    private readonly OscoreObservations _observations;
    private readonly EchoChallenge _echo = new(); // of this context alone: one that was given before the context was lost shows nothing
    private readonly byte[] _check;
    private ReplayWindow _window;
    private long _first;
    private PeerAddress _address;
    private long _firedSince;
    private int _fired;
    private bool _isClosed;

    /// <param name="id">Tells it from others.</param>
    /// <param name="idContext">The ID context.</param>
    /// <param name="device">Whose it is.</param>
    /// <param name="context">Its keys; the session's from now on.</param>
    /// <param name="check">What shows whether the device still has the same key.</param>
    /// <param name="numbers">Its sequence numbers.</param>
    /// <param name="settings">What it shares with others.</param>
    public OscoreSession(
        long id,
        byte[] idContext,
        DeviceSession device,
        OscoreContext context,
        byte[] check,
        OscoreNumbers numbers,
        OscoreSessionSettings settings
    )
    {
        (IdContext, Device, _context, _check, _numbers, _settings) = (idContext, device, context, check, numbers, settings);
        Peer = PeerAddress.OfSession(id);
        Node = new LinkedListNode<OscoreSession>(this);
        _requests = new OscoreRequests(settings.Budget);
        _observations = new OscoreObservations(settings.MaxObservations);
    }

    public byte[] IdContext { get; }

    /// <summary>Stands for this session, whatever address its device has.</summary>
    public PeerAddress Peer { get; }

    /// <summary>Whose session it is, as it was found last.</summary>
    public DeviceSession Device { get; set; }

    /// <summary>Its place among the sessions, ordered by when they last heard of their devices.</summary>
    public LinkedListNode<OscoreSession> Node { get; }

    /// <summary>Where the listener has it; its lock guards this and the next three.</summary>
    public PeerAddress? Address { get; set; }

    /// <summary>When its device was last heard of.</summary>
    public long LastHeard { get; set; }

    /// <summary>When its key was last looked up.</summary>
    public long CheckedAt { get; set; }

    /// <summary>Whether that is under way.</summary>
    public bool IsBeingChecked { get; set; }

    /// <summary>Whether the device has shown that its requests are of now.</summary>
    public bool IsProved { get; private set; }

    /// <summary>Whether answers are kept for duplicates.</summary>
    public bool KeepsAnswers { get; private set; }

    /// <summary>Whether a key is the one that this was made of.</summary>
    public bool IsOf(ReadOnlySpan<byte> check) => System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(_check, check);

    /// <summary>Opens a request.</summary>
    /// <param name="from">Where it came from.</param>
    /// <param name="datagram">The request.</param>
    /// <param name="request">Its parts.</param>
    /// <param name="seconds">The time.</param>
    /// <param name="buffer">Takes the message inside, or what to send back to where it came from.</param>
    /// <param name="length">How long that is; 0 if there is nothing.</param>
    /// <param name="former">Where the device was before, if it has moved.</param>
    public OscoreReceipt Receive(
        in PeerAddress from,
        ReadOnlySpan<byte> datagram,
        in ProtectedRequest request,
        int seconds,
        Span<byte> buffer,
        out int length,
        out PeerAddress? former
    )
    {
        (length, former) = (0, null);
        lock (_lock)
        {
            var partialIv = OscoreContext.ReadPartialIv(request.Option.PartialIv);
            var tag = TagOf(request.Message.Payload);
            if (_isClosed)
                return OscoreReceipt.Ignored;
            if (IsProved && _window.IsReplay((ulong)partialIv))
                return Repeat(from, datagram.Length, request, partialIv, tag, seconds, buffer, out length);
            if (IsUnderFire() || !_numbers.Has(MaxAnswers))
                return OscoreReceipt.Ignored;
            if (!TryOpen(datagram, request.Option.PartialIv, buffer, out length))
            {
                _fired++;
                return OscoreReceipt.Forged;
            }

            if (!IsProved || from != _address || partialIv < _first)
            {
                if (!_echo.IsFresh(from, seconds, EchoOf(buffer[..length])))
                {
                    _fired++;
                    length = Challenge(from, datagram.Length, request, seconds, buffer);
                    return OscoreReceipt.Unproved;
                }

                if (IsProved && from != _address)
                    former = _address;
                if (!IsProved)
                    (IsProved, _first) = (true, partialIv);
                _address = from;
            }

            _window.Accept((ulong)partialIv);
            var id = _requests.Add(
                partialIv,
                tag,
                new CoapToken(request.Message.Token),
                request.Header.MessageId,
                request.Header.Type == CoapType.Confirmable,
                seconds,
                LifetimeSeconds
            );
            BinaryPrimitives.WriteUInt16BigEndian(buffer[2..], id);
            return OscoreReceipt.Taken;
        }
    }

    /// <summary>Takes an ACK or a RST for a message of ours.</summary>
    /// <param name="type">Which of the two.</param>
    /// <param name="messageId">The id that it names.</param>
    /// <param name="id">What that is inside.</param>
    /// <returns><see langword="false"/> if this has sent no such message.</returns>
    public bool TryEnd(CoapType type, ushort messageId, out ushort id)
    {
        lock (_lock)
        {
            id = 0;
            var isNotification = type == CoapType.Reset && _observations.TryReject(messageId, out id);
            if (_confirmableLength == 0 || BinaryPrimitives.ReadUInt16BigEndian(_confirmable.AsSpan(2)) != messageId)
                return isNotification;
            id = _confirmableId;
            return true;
        }
    }

    /// <summary>Forgets the answers that duplicates would get.</summary>
    public void ReleaseAnswers()
    {
        lock (_lock)
        {
            _requests.Release();
            KeepsAnswers = false;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_isClosed)
                return;
            _isClosed = true;
            _requests.Release();
            _context.Dispose();
        }
    }

    // A tag that is too short is none, and is not opened either.
    private static ulong TagOf(ReadOnlySpan<byte> payload) =>
        payload.Length >= sizeof(ulong) ? BinaryPrimitives.ReadUInt64BigEndian(payload[^sizeof(ulong)..]) : 0;

    private static ReadOnlySpan<byte> EchoOf(ReadOnlySpan<byte> plain)
    {
        if (!CoapHeader.TryRead(plain, out var header) || !CoapMessage.TryRead(plain, header.Code, out var message))
            return [];
        for (var options = new CoapOptionReader(message.Options); options.Read(); )
        {
            if (options.Number == CoapOptionNumber.Echo)
                return options.Value;
        }

        return [];
    }

    // Each that is forged costs an exception, and each that is old a number. Who sends them can delay this device so, but no other.
    private bool IsUnderFire()
    {
        var now = _settings.Time.GetTimestamp();
        if (_fired == 0 || _settings.Time.GetElapsedTime(_firedSince, now) >= FirePeriod)
        {
            (_fired, _firedSince) = (0, now);
            return false;
        }

        return _fired >= MaxUnderFire;
    }

    private bool TryOpen(ReadOnlySpan<byte> datagram, ReadOnlySpan<byte> partialIv, Span<byte> buffer, out int length) =>
        OscoreMessages.TryOpen(_context, datagram, _context.RecipientId, partialIv, partialIv, buffer, out length);

    // The same bytes that came before need not be opened again: the device has not heard the answer, and gets it as it was.
    private OscoreReceipt Repeat(
        in PeerAddress from,
        int requestBytes,
        in ProtectedRequest request,
        long partialIv,
        ulong tag,
        int seconds,
        Span<byte> buffer,
        out int length
    )
    {
        length = 0;
        var place = _requests.FindDuplicate(partialIv, tag, request.Header.MessageId);
        if (place < 0 || seconds - _requests[place].TakenAt > LifetimeSeconds)
            return OscoreReceipt.Replayed;
        ref var known = ref _requests[place];
        if (!known.IsConfirmable || known.Repeats >= MaxRepeats)
            return OscoreReceipt.Repeated;
        if (known.IsAcknowledged)
        {
            new CoapHeader(CoapType.Acknowledgement, default, known.MessageId).Write(buffer, 0);
            length = CoapHeader.Length;
        }
        else if (known.AnswerLength > 0 && (from == _address || known.AnswerLength <= 3 * requestBytes))
        {
            known.Answer.CopyTo(buffer);
            length = known.AnswerLength;
        }

        known.Repeats++;
        return OscoreReceipt.Repeated;
    }

    // RFC 8613 appendix B.1.2: under a number of its own, as an old request may have had its response already.
    private int Challenge(in PeerAddress to, int requestBytes, in ProtectedRequest request, int seconds, Span<byte> buffer)
    {
        Span<byte> plain = stackalloc byte[UdpSocket.MaxDatagramBytes]; // a token may be long (RFC 8974)
        Span<byte> echo = stackalloc byte[EchoChallenge.Length];
        _echo.Write(to, seconds, echo);
        var isConfirmable = request.Header.Type == CoapType.Confirmable;
        var writer = new CoapMessageWriter(plain);
        writer.WriteHeader(
            new CoapHeader(
                isConfirmable ? CoapType.Acknowledgement : CoapType.NonConfirmable,
                CoapCode.Unauthorized,
                isConfirmable ? request.Header.MessageId : _settings.NextId(to)
            ),
            request.Message.Token
        );
        writer.WriteOption(CoapOptionNumber.Echo, echo);
        if (writer.IsTruncated)
            return 0;
        var length = Seal(writer.Written, OscoreContext.ReadPartialIv(request.Option.PartialIv), buffer);
        return length <= 3 * requestBytes ? length : 0;
    }

    /// <returns>0 if there is no number, or no room.</returns>
    private int Seal(ReadOnlySpan<byte> plain, long requestPartialIv, Span<byte> buffer)
    {
        if (!_numbers.TryTake(out var number))
            return 0;
        Span<byte> requestIv = stackalloc byte[sizeof(long)];
        Span<byte> ownIv = stackalloc byte[sizeof(long)];
        requestIv = requestIv[..OscoreContext.WritePartialIv(requestPartialIv, requestIv)];
        ownIv = ownIv[..OscoreContext.WritePartialIv(number, ownIv)];
        return OscoreMessages.TryProtect(_context, plain, _context.RecipientId, requestIv, ownIv, false, buffer, out var length)
            ? length
            : 0;
    }
}
