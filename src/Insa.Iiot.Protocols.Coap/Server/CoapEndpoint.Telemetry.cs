using System.Buffers;
using Insa.Iiot.Protocols.Coap.Blockwise;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

internal sealed partial class CoapEndpoint
{
    private const int MaxIdleCommits = 64;
    private const int LateChecksPerWindow = 16;

    private readonly Dictionary<Task<CommitResult>, PendingCommit> _commits = [];
    private readonly Stack<PendingCommit> _idleCommits = new();
    private int _pendingMessages;
    private long _lateCheckedAt;

    private void HandleTelemetry(in Request request)
    {
        if (request.Header.Code != CoapCode.Post)
            Answer(request, new Reply(CoapCode.MethodNotAllowed));
        else if (request.Peer is null)
            Answer(request, new Reply(CoapCode.Unauthorized));
        else if (IsNew(request))
            TakeTelemetry(request);
    }

    private void TakeTelemetry(in Request request)
    {
        _requests++;
        if (request.Head.Block1 is not { } block || block is { Number: 0, HasMore: false })
        {
            Submit(request, request.Message.Payload);
            return;
        }

        if (Assemble(request, block, out var body, out var length))
        {
            Submit(request, body.AsSpan(0, length));
            ArrayPool<byte>.Shared.Return(body!);
        }
    }

    /// <summary>Takes a part of a body, and answers it unless it was the last.</summary>
    private bool Assemble(in Request request, CoapBlock block, out byte[]? body, out int length)
    {
        var key = BodyKey.Of(request.Address, request.Session, request.Message);
        switch (_uploads.Add(request.Peer!, key, block, request.Message.Payload, request.Head.Size1, _now, out body, out length))
        {
            case BodyState.Complete:
                return true;
            case BodyState.Continue:
                Answer(request, new Reply(CoapCode.Continue) { Block1 = block.Value });
                break;
            case BodyState.Incomplete:
                Answer(request, new Reply(CoapCode.RequestEntityIncomplete));
                break;
            case BodyState.TooLarge:
                Answer(request, new Reply(CoapCode.RequestEntityTooLarge) { Block1 = block.Value, Size1 = _options.MaxBodyBytes });
                break;
            case BodyState.NoRoom:
                Answer(request, Busy);
                break;
            default:
                Answer(request, new Reply(CoapCode.BadRequest) { Diagnostic = "a block is not full"u8 });
                break;
        }

        return false;
    }

    private void Submit(in Request request, ReadOnlySpan<byte> payload)
    {
        var head = request.Head;
        ref var messages = ref request.Peer!.Messages;
        var messageId = request.Header.MessageId;
        var format = _services.Formats.Find(head.ContentFormat, hasMetric: head.PathCount == 3);
        if (format is null)
        {
            Answer(request, new Reply(CoapCode.UnsupportedContentFormat));
            return;
        }

        if (_pendingMessages >= _options.MaxPendingMessages || !messages.TryAdd(messageId, _unit))
        {
            Answer(request, Busy);
            return;
        }

        var message = new TelemetryMessage(format, payload) { Device = head.Path1, Metric = head.Path2 };
        var receipt = _services.Ingress.Submit(request.Session!, message);
        if (receipt is { Status: IngestStatus.Accepted, Commit: { } commit })
        {
            Await(request, receipt, commit);
            return;
        }

        if (receipt.Reason == IngestReason.LaneFull && TryHoldBack(request))
            return;
        var code = IngestAnswer.CodeOf(receipt.Reason);
        if (receipt.Status == IngestStatus.Rejected)
            messages.Set(messageId, MessageAnswer.Of(code));
        else
            messages.Forget(messageId);
        var reply = new Reply(code)
        {
            MaxAge = IngestAnswer.MaxAgeOf(receipt.Reason, receipt.RetryAfter),
            Diagnostic = IngestAnswer.DiagnosticOf(receipt.Reason),
            IsProblem = head.Accept == CoapContentFormat.ProblemDetails,
            Block1 = head.Block1?.Value,
        };
        Answer(request, reply);
    }

    private void Await(in Request request, in IngestReceipt receipt, Task<CommitResult> commit)
    {
        if (!_commits.TryGetValue(commit, out var pending))
        {
            if (!_idleCommits.TryPop(out pending))
                pending = new PendingCommit(OnCommitted);
            _commits.Add(commit, pending);
            pending.Await(commit);
        }

        _pendingMessages++;
        if (request.Address.IsConnection)
            _connections!.Began(request.Address, IConnectionSender.MessageWeight);
        var token = new CoapToken(request.Message.Token);
        pending.Add(
            new PendingAnswer(
                request.Peer!,
                request.Header.Type,
                request.Header.MessageId,
                token,
                request.Head.NoResponse,
                request.Head.Block1,
                receipt,
                _now
            )
        );
    }

    private void OnCommitted(PendingCommit pending)
    {
        var batch = DatagramBatch.Rent();
        lock (_sync)
        {
            var result = pending.Commit!.Result;
            _commits.Remove(pending.Commit);
            _pendingMessages -= pending.Count;
            for (var i = 0; i < pending.Count; i++)
                Settle(pending.Answers[i], result, isAcknowledged: i < pending.Acknowledged, batch);
            pending.Reset();
            if (_idleCommits.Count < MaxIdleCommits)
                _idleCommits.Push(pending);
        }

        _sender.Send(batch);
        batch.Return();
        if (_answered is null)
            return;
        lock (_sync)
        {
            if (_pendingMessages == 0)
                _answered.TrySetResult();
        }
    }

    private void Settle(in PendingAnswer answer, CommitResult result, bool isAcknowledged, DatagramBatch batch)
    {
        var reason = answer.Receipt.Settle(result);
        var code = IngestAnswer.CodeOf(reason);
        if (code.Class >= 4)
            _metrics.Refused(CoapMetrics.NameOf(code));
        var peer = answer.Peer;
        if (reason is IngestReason.Stopping or IngestReason.LaneFull)
            peer.Messages.Forget(answer.MessageId);
        else
            peer.Messages.Set(answer.MessageId, isAcknowledged ? MessageAnswer.Separate : MessageAnswer.Of(code));

        var isConfirmable = answer.Type == CoapType.Confirmable;
        var isSuppressed = Request.IsSuppressed(answer.NoResponse, code);
        if (isSuppressed && (!isConfirmable || isAcknowledged))
        {
            if (peer.Address.IsConnection)
                batch.Commit(peer.Address, 0);
            return;
        }

        Span<byte> tokenBuffer = stackalloc byte[CoapToken.MaxShortLength];
        var token = answer.Token.AsSpan(tokenBuffer);
        var reply = new Reply(code) { MaxAge = IngestAnswer.MaxAgeOf(reason, default), Block1 = answer.Block1?.Value };
        var header =
            isConfirmable && !isAcknowledged
                ? new CoapHeader(CoapType.Acknowledgement, isSuppressed ? default : code, answer.MessageId)
                : new CoapHeader(isConfirmable ? CoapType.Confirmable : CoapType.NonConfirmable, code, _messageIds.Next(peer.Address));
        var writer = new CoapMessageWriter(batch.Reserve(UdpSocket.MaxDatagramBytes));
        if (isSuppressed)
            writer.WriteHeader(header, default);
        else
            Write(ref writer, header, token, reply);
        if (header.Type != CoapType.Confirmable)
            batch.Commit(peer.Address, writer.Length);
        else
            SendConfirmable(peer.Address, header.MessageId, writer.Written, null);
    }

    private void SendConfirmable(in PeerAddress peer, ushort messageId, ReadOnlySpan<byte> datagram, Action<MessageOutcome>? ended)
    {
        var copy = datagram.ToArray();
        if (_retransmission.TrySend(new OutgoingMessage(peer, messageId, copy, ended)))
            return;

        // Too many wait already: once, and unconfirmed, is better than not at all.
        new CoapHeader(CoapType.NonConfirmable, new CoapCode(copy[1]), messageId).Write(copy, copy[0] & 0x0F);
        _sender.Send(peer, copy);
        _metrics.Dropped("queue_full");
        ended?.Invoke(MessageOutcome.Dropped);
    }

    // What is not committed within the window is acknowledged by itself, so that it is not sent again; its answer follows (RFC 7252 §5.2.2).
    private void AcknowledgeLate()
    {
        // Not after each burst: what is late by a small part of the window is not late.
        var window = ToTicks(_options.PiggybackWindow);
        if (_now - _lateCheckedAt < window / LateChecksPerWindow)
            return;
        _lateCheckedAt = _now;
        var limit = _now - window;
        foreach (var pending in _commits.Values)
        {
            while (pending.Acknowledged < pending.Count && pending.Answers[pending.Acknowledged].Since <= limit)
            {
                var answer = pending.Answers[pending.Acknowledged++];
                if (answer.Type != CoapType.Confirmable)
                    continue;
                answer.Peer.Messages.Set(answer.MessageId, MessageAnswer.PendingAcknowledged);
                SendEmpty(answer.Peer.Address, CoapType.Acknowledgement, answer.MessageId);
            }
        }

        foreach (var request in _requestsAtWork)
        {
            if (request.IsAcknowledged || request.Type != CoapType.Confirmable || request.Since > limit)
                continue;
            request.IsAcknowledged = true;
            if (request.IsNoted)
                request.Peer!.Messages.Set(request.MessageId, MessageAnswer.PendingAcknowledged);
            SendEmpty(request.Address, CoapType.Acknowledgement, request.MessageId);
        }
    }
}
