using Insa.Iiot.Protocols.Coap.Blockwise;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Observe;
using Insa.Iiot.Protocols.Coap.Security;
using Insa.Iiot.Protocols.Coap.Transport;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>The messages and exchanges of one listener, or of all connections (RFC 7252 §4, §5). One lock guards its tables: who receives holds it while a message is handled, commits while their answers are written.</summary>
internal sealed partial class CoapEndpoint : IDatagramHandler
{
    private const int MaxProblemBytes = 128;
    private const int AnswerCacheBytes = 4 * 1024 * 1024;
    private static readonly TimeSpan BodyLifetime = TimeSpan.FromMinutes(2);

    private readonly Lock _sync = new();
    private readonly CoapEndpointServices _services;
    private readonly CoapServerOptions _options;
    private readonly IDatagramSender _sender;
    private readonly IConnectionSender? _connections;
    private readonly TimeProvider _time;
    private readonly CoapMetrics _metrics;
    private readonly ILogger _logger;
    private readonly CancellationToken _stopping;

    private readonly PeerTable _peers;
    private readonly MessageIds _messageIds = new();
    private readonly Retransmission _retransmission;
    private readonly AnswerCache _answers = new(AnswerCacheBytes);
    private readonly BodyAssembler _uploads;
    private readonly BodyCache _downloads;
    private readonly ObserverTable _observers;
    private readonly TokenCache _tokens;
    private readonly EchoChallenge _echo = new();
    private readonly long _startedAt;

    private long _now;
    private int _unit;
    private long _requests;
    private volatile TaskCompletionSource? _answered;

    public CoapEndpoint(CoapEndpointServices services, IDatagramSender sender, CancellationToken stopping)
    {
        _services = services;
        _options = services.Options;
        _sender = sender;
        _connections = sender as IConnectionSender;
        _time = services.Time;
        _metrics = services.Metrics;
        _logger = services.Logger;
        _stopping = stopping;
        _startedAt = _now = _time.GetTimestamp();
        _peers = new PeerTable(_options.MaxPeers);
        _retransmission = new Retransmission(sender, _options, _time, _metrics);
        _uploads = new BodyAssembler(_options.MaxBodyBytes, _options.MaxBlockwiseBytes / 2, ToTicks(BodyLifetime));
        _downloads = new BodyCache(_options.MaxBlockwiseBytes / 2, ToTicks(BodyLifetime));
        _observers = new ObserverTable(_options, _metrics);
        _tokens = new TokenCache(ToTicks(_options.TokenLifetime));
        foreach (var resource in services.Resources.All)
            resource.Changed += OnChanged;
    }

    /// <summary>How many peers are known.</summary>
    public int PeerCount
    {
        get
        {
            lock (_sync)
                return _peers.Count;
        }
    }

    public int ObserverCount
    {
        get
        {
            lock (_sync)
                return _observers.Count;
        }
    }

    /// <summary>Takes a datagram of plain CoAP.</summary>
    public void Receive(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        lock (_sync)
            Handle(peer, null, peer.IsLoopback, datagram);
    }

    /// <summary>Takes a datagram of a secured session.</summary>
    public void Receive(in PeerAddress peer, DeviceSession session, ReadOnlySpan<byte> datagram)
    {
        lock (_sync)
            Handle(peer, session, isVerified: true, datagram);
    }

    /// <summary>The peer of a secured session has another address, which it has to show to be its own before it is sent much (RFC 9146 §6).</summary>
    public void Moved(in PeerAddress address)
    {
        lock (_sync)
        {
            if (_peers.TryFind(address, out var peer))
                peer.IsVerified = false;
        }
    }

    /// <summary>Forgets a secured session, or a connection, that has ended.</summary>
    public void Closed(in PeerAddress address)
    {
        lock (_sync)
        {
            if (!_peers.TryFind(address, out var peer))
                return;
            _peers.Remove(address);
            for (; peer is not null; peer = peer.Sibling)
                _observers.RemoveAll(peer);
            _retransmission.Drop(address);
        }
    }

    public void Tick()
    {
        lock (_sync)
        {
            _now = _time.GetTimestamp();
            var unit = (int)_time.GetElapsedTime(_startedAt, _now).TotalSeconds / RecentMessages.UnitSeconds;
            AcknowledgeLate();
            _retransmission.Tick(_now);
            if (_requests > 0)
                _metrics.Requested(_requests);
            _requests = 0;
            if (unit == _unit)
                return;
            _unit = unit;
            _uploads.Sweep(_now);
            _downloads.Sweep(_now);
            _peers.Sweep(unit);
        }
    }

    /// <summary>Completes when all that was taken is answered, once nothing more is received.</summary>
    public Task WhenAnsweredAsync()
    {
        lock (_sync)
        {
            _answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_pendingMessages == 0)
                _answered.SetResult();
            return _answered.Task;
        }
    }

    /// <summary>Hears no more of its resources.</summary>
    public void Stop()
    {
        foreach (var resource in _services.Resources.All)
            resource.Changed -= OnChanged;
    }

    private void Handle(in PeerAddress address, DeviceSession? session, bool isVerified, ReadOnlySpan<byte> datagram)
    {
        if (!CoapHeader.TryRead(datagram, out var header))
        {
            _metrics.Dropped("malformed");
            return;
        }

        if (!CoapMessage.TryRead(datagram, header.Code, out var message))
        {
            Reject(address, header, "malformed");
            return;
        }

        if (header.Code.Value == 0)
            HandleEmpty(address, header);
        else if (header.Code.IsRequest && header.Type is CoapType.Confirmable or CoapType.NonConfirmable)
            HandleRequest(address, session, isVerified, header, message, datagram);
        else
            Reject(address, header, "unexpected");
    }

    // RFC 7252 §4.2, §4.3: a CON that means nothing gets a RST; a NON, an ACK and a RST get silence.
    private void Reject(in PeerAddress address, CoapHeader header, string reason)
    {
        _metrics.Dropped(reason);
        if (header.Type == CoapType.Confirmable)
            SendEmpty(address, CoapType.Reset, header.MessageId);
    }

    private void HandleEmpty(in PeerAddress address, CoapHeader header)
    {
        switch (header.Type)
        {
            case CoapType.Confirmable:
                SendEmpty(address, CoapType.Reset, header.MessageId); // A ping (RFC 7252 §4.3).
                break;
            case CoapType.Acknowledgement:
                _retransmission.TryEnd(address, header.MessageId, MessageOutcome.Acknowledged);
                break;
            case CoapType.Reset:
                if (_peers.TryFind(address, out var peer))
                    _observers.TryReject(peer, header.MessageId);
                _retransmission.TryEnd(address, header.MessageId, MessageOutcome.Reset);
                break;
        }
    }

    private void HandleRequest(
        in PeerAddress address,
        DeviceSession? session,
        bool isVerified,
        CoapHeader header,
        in CoapMessage message,
        ReadOnlySpan<byte> bytes
    )
    {
        var refusal = RequestHead.Read(message, address.IsConnection, out var head);
        if (session is null && !head.Credential.IsEmpty)
        {
            switch (_tokens.Find(head.Credential, _now, out session, out var isDue))
            {
                case TokenStanding.Good when isDue:
                    CheckAgain(head.Credential);
                    break;
                case TokenStanding.Unknown:
                    Authenticate(address, isVerified, header, message, head, bytes);
                    return;
                case TokenStanding.Bad:
                    refusal = CoapCode.Unauthorized;
                    break;
            }
        }

        _speaker = session;
        var peer = session is null ? null : _peers.Touch(address, session, _unit, isVerified);
        isVerified = peer?.IsVerified ?? isVerified;
        if (!isVerified && _echo.IsFresh(address, Seconds, head.Echo))
        {
            isVerified = true;
            peer?.IsVerified = true;
        }

        var maxAnswerBytes = MaxAnswerBytesTo(address, isVerified, bytes.Length);
        var request = new Request
        {
            Address = address,
            Header = header,
            Message = message,
            Head = head,
            Session = session,
            Peer = peer,
            MaxAnswerBytes = maxAnswerBytes,
            IsUnverified = !address.IsConnection && maxAnswerBytes < UdpSocket.MaxDatagramBytes,
        };
        if (refusal != default)
            Answer(request, new Reply(refusal));
        else if (session is not null && peer is null)
            Answer(request, Busy);
        else if (head.PathCount is >= 1 and <= 3 && head.Path0.SequenceEqual("telemetry"u8))
            HandleTelemetry(request);
        else
            HandleResource(request);
    }

    private static Reply Busy => new(CoapCode.ServiceUnavailable) { MaxAge = IngestAnswer.MaxAgeOf(IngestReason.LaneFull, default) };

    private long Seconds => (long)_time.GetElapsedTime(_startedAt, _now).TotalSeconds;

    private long ToTicks(TimeSpan time) => (long)(time.TotalSeconds * _time.TimestampFrequency);

    /// <summary>Whether a message is new. What it was answered is sent again if it is not.</summary>
    private bool IsNew(in Request request)
    {
        if (!request.Peer!.Messages.TryFind(request.Header.MessageId, _unit, out var answer) || answer == MessageAnswer.Forgotten)
            return true;
        _metrics.Dropped("duplicate");

        // A NON that was sent twice was received; it is the CON whose answer was lost (RFC 7252 §4.5).
        if (!request.IsConfirmable || answer == MessageAnswer.Pending)
            return false;
        if (answer.Code is { } code)
            Answer(request, new Reply(code), isCounted: false);
        else if (answer == MessageAnswer.Whole && _answers.Find(request.Peer, request.Header.MessageId) is { } whole)
            SendOrChallenge(request, whole);
        else if (answer == MessageAnswer.Separate || answer == MessageAnswer.PendingAcknowledged)
            SendEmpty(request.Address, CoapType.Acknowledgement, request.Header.MessageId);
        return false;
    }

    private void Answer(in Request request, in Reply reply, bool isCounted = true)
    {
        if (isCounted && reply.Code.Class >= 4)
            _metrics.Refused(CoapMetrics.NameOf(reply.Code));
        if (request.Suppresses(reply.Code))
        {
            if (request.IsConfirmable)
                SendEmpty(request.Address, CoapType.Acknowledgement, request.Header.MessageId);
            return;
        }

        var header = request.IsConfirmable
            ? new CoapHeader(CoapType.Acknowledgement, reply.Code, request.Header.MessageId)
            : new CoapHeader(CoapType.NonConfirmable, reply.Code, _messageIds.Next(request.Address));
        Span<byte> buffer = stackalloc byte[256];
        var writer = new CoapMessageWriter(buffer);
        Write(ref writer, header, request.Message.Token, reply);
        if (!writer.IsTruncated && writer.Length <= request.MaxAnswerBytes)
        {
            _sender.Send(request.Address, writer.Written);
            return;
        }

        // A long token, or an address that may be forged: the code alone says enough.
        var whole = request.Message.Token.Length > CoapToken.MaxShortLength ? new byte[UdpSocket.MaxDatagramBytes] : buffer;
        writer = new CoapMessageWriter(whole);
        writer.WriteHeader(header, request.Message.Token);
        if (!writer.IsTruncated && writer.Length <= request.MaxAnswerBytes)
            _sender.Send(request.Address, writer.Written);
    }

    private static void Write(ref CoapMessageWriter writer, CoapHeader header, scoped ReadOnlySpan<byte> token, scoped Reply reply)
    {
        writer.WriteHeader(header, token);
        if (!reply.Diagnostic.IsEmpty)
            writer.WriteOption(
                CoapOptionNumber.ContentFormat,
                reply.IsProblem ? CoapContentFormat.ProblemDetails : (uint)CoapContentFormat.Text
            );
        if (reply.MaxAge > TimeSpan.Zero)
            writer.WriteOption(CoapOptionNumber.MaxAge, (uint)Math.Ceiling(reply.MaxAge.TotalSeconds));
        if (reply.Block1 is { } block)
            writer.WriteOption(CoapOptionNumber.Block1, block);
        if (reply.Size1 > 0)
            writer.WriteOption(CoapOptionNumber.Size1, (uint)reply.Size1);
        if (!reply.Echo.IsEmpty)
            writer.WriteOption(CoapOptionNumber.Echo, reply.Echo);
        if (!reply.IsProblem || reply.Diagnostic.IsEmpty)
        {
            writer.WritePayload(reply.Diagnostic);
            return;
        }

        // A map of one entry: the title, whose key is -1 (RFC 9290 §2).
        Span<byte> problem = stackalloc byte[MaxProblemBytes];
        ReadOnlySpan<byte> head = [0xA1, 0x20, 0x78, (byte)reply.Diagnostic.Length];
        head.CopyTo(problem);
        reply.Diagnostic.CopyTo(problem[head.Length..]);
        writer.WritePayload(problem[..(head.Length + reply.Diagnostic.Length)]);
    }

    private void SendEmpty(in PeerAddress address, CoapType type, ushort messageId)
    {
        Span<byte> buffer = stackalloc byte[CoapHeader.Length];
        new CoapHeader(type, default, messageId).Write(buffer, 0);
        _sender.Send(address, buffer);
    }
}
