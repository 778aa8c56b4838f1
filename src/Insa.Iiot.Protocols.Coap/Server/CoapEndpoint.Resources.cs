using System.Buffers;
using Insa.Iiot.Protocols.Coap.Blockwise;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Security;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

internal sealed partial class CoapEndpoint
{
    private static readonly WaitCallback RunRequest = state => _ = ((PendingRequest)state!).Endpoint.RunAsync((PendingRequest)state);

    private const int AnonymousShares = 4;
    private const int PeerShares = 16;

    private readonly HashSet<PendingRequest> _requestsAtWork = [];
    private int _anonymousAtWork;

    private void HandleResource(in Request request)
    {
        var resource = _services.Resources.Find(request.Message);
        if (resource is null)
            Answer(request, new Reply(CoapCode.NotFound));
        else if (request.Peer is null && !resource.AllowsAnonymous)
            Answer(request, new Reply(CoapCode.Unauthorized));
        else if (resource.Find(request.Header.Code) is not { } handler)
            Answer(request, new Reply(CoapCode.MethodNotAllowed));
        else if (!IsNoted(request) || IsNew(request))
            TakeRequest(request, resource, handler);
    }

    // Whatever the method: the last block of a body makes its request whole once, and a registration sent again would take its own place.
    private static bool IsNoted(in Request request) =>
        request.Peer is not null
        && (!IsIdempotent(request.Header.Code) || request.Head.Block1 is { Number: > 0 } || request.Head.Observe >= 0);

    // RFC 7252 §5.1, RFC 8132 §2: what can be done twice need not be told from its duplicates (RFC 7252 §4.5).
    private static bool IsIdempotent(CoapCode method) =>
        method == CoapCode.Get || method == CoapCode.Fetch || method == CoapCode.Put || method == CoapCode.Delete;

    private void TakeRequest(in Request request, CoapResource resource, CoapHandler handler)
    {
        var head = request.Head;
        _requests++;
        if (head.Observe == 1 && request.Peer is not null)
            _observers.Remove(request.Peer, new CoapToken(request.Message.Token));

        // An observer is sent more than it asks for, and so must show its address first; and what must not be done twice is not begun before.
        if (request.IsUnverified && ((head.Observe == 0 && resource.IsObservable) || !IsIdempotent(request.Header.Code)))
        {
            Challenge(request);
            return;
        }

        if (head.Block2 is { Number: > 0 } part && TryContinue(request, part))
            return;
        byte[] body;
        if (head.Block1 is { } block && block is not { Number: 0, HasMore: false })
        {
            if (request.Peer is null)
            {
                Answer(request, new Reply(CoapCode.RequestEntityTooLarge) { Size1 = block.Size });
                return;
            }

            if (!Assemble(request, block, out var rented, out var length))
                return;
            body = rented.AsSpan(0, length).ToArray();
            ArrayPool<byte>.Shared.Return(rented!);
        }
        else
        {
            body = request.Message.Payload.ToArray();
        }

        var isNoted = IsNoted(request);
        if (!HasRoomForRequest(request.Peer) || (isNoted && !request.Peer!.Messages.TryAdd(request.Header.MessageId, _unit)))
        {
            Answer(request, Busy);
            return;
        }

        var pending = new PendingRequest
        {
            Endpoint = this,
            Resource = resource,
            Handler = handler,
            Context = ContextReader.Read(request.Message, resource, request.Session, body),
            Address = request.Address,
            Type = request.Header.Type,
            MessageId = request.Header.MessageId,
            Token = new CoapToken(request.Message.Token),
            MaxAnswerBytes = request.MaxAnswerBytes,
            Since = _now,
            Peer = request.Peer,
            Observe = head.Observe,
            NoResponse = head.NoResponse,
            Block1 = head.Block1,
            Block2 = head.Block2,
            BodyKey = request.Peer is null ? null : BodyKey.Of(request.Address, request.Session, request.Message),
            IsNoted = isNoted,
            IsUnverified = request.IsUnverified,
        };
        pending.Observer = Register(pending);
        AtWork(pending, 1);
        if (request.Address.IsConnection)
            _connections!.Began(request.Address, IConnectionSender.RequestWeight);
        ThreadPool.UnsafeQueueUserWorkItem(RunRequest, pending);
    }

    private void Challenge(in Request request)
    {
        Span<byte> echo = stackalloc byte[EchoChallenge.Length];
        _echo.Write(request.Address, Seconds, echo);
        Answer(request, new Reply(CoapCode.Unauthorized) { Echo = echo });
    }

    /// <summary>Answers with a further part of a body that is kept.</summary>
    private bool TryContinue(in Request request, CoapBlock part)
    {
        if (request.Peer is null)
            return false;
        var key = BodyKey.Of(request.Address, request.Session, request.Message);
        if (_downloads.Find(key, _now) is not { } kept)
        {
            if (IsIdempotent(request.Header.Code))
                return false;
            Answer(request, new Reply(CoapCode.RequestEntityIncomplete));
            return true;
        }

        var header = request.IsConfirmable
            ? new CoapHeader(CoapType.Acknowledgement, kept.Code, request.Header.MessageId)
            : new CoapHeader(CoapType.NonConfirmable, kept.Code, _messageIds.Next(request.Address));
        var buffer = RentFor(request.MaxAnswerBytes, kept);
        var maxPartBytes = ResponseWriter.MaxPartBytesOf(request.Address, request.MaxAnswerBytes, request.Message.Token.Length);
        var length = ResponseWriter.Write(
            Room(buffer, request.Address, request.MaxAnswerBytes),
            header,
            request.Message.Token,
            kept,
            part,
            null,
            null,
            maxPartBytes,
            TakesSeveralBlocks(request.Address)
        );
        if (length == 0)
            Answer(request, new Reply(CoapCode.BadRequest) { Diagnostic = "there is no such block"u8 });
        else
            SendOrChallenge(request, buffer.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(buffer);
        return true;
    }

    private void SendOrChallenge(in Request request, ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length <= request.MaxAnswerBytes)
            _sender.Send(request.Address, datagram);
        else
            Challenge(request);
    }

    // No peer takes more than its share of the handlers, nor do those who show no credential.
    private bool HasRoomForRequest(Peer? peer)
    {
        var most = _options.MaxPendingRequests;
        return _requestsAtWork.Count < most
            && (
                peer is null ? _anonymousAtWork < Math.Max(most / AnonymousShares, 1) : peer.RequestsAtWork < Math.Max(most / PeerShares, 1)
            );
    }

    private void AtWork(PendingRequest pending, int change)
    {
        if (change > 0)
            _requestsAtWork.Add(pending);
        else
            _requestsAtWork.Remove(pending);
        if (pending.Peer is { } peer)
            peer.RequestsAtWork += change;
        else
            _anonymousAtWork += change;
    }

    private async Task RunAsync(PendingRequest pending)
    {
        CoapResponse response;
        try
        {
            response = await pending.Handler(pending.Context, _stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            response = new CoapResponse(CoapCode.ServiceUnavailable);
        }
        catch (TelemetryStoreException e) when (e.IsTransient)
        {
            response = new CoapResponse(CoapCode.ServiceUnavailable) { MaxAge = IngestAnswer.MaxAgeOf(IngestReason.LaneFull, default) };
        }
        catch (Exception e)
        {
            _logger.HandlerFailed(e, pending.Context.Method, pending.Resource.Path);
            response = new CoapResponse(CoapCode.InternalServerError);
        }

        try
        {
            lock (_sync)
                Complete(pending, ResponseWriter.Prepare(response, pending.Block2, pending.MaxPartBytes));
        }
        catch (Exception e)
        {
            _logger.HandlerFailed(e, pending.Context.Method, pending.Resource.Path);
        }

        if (pending is { Address.IsConnection: true, Notifies: null })
            _connections!.Ended(pending.Address, IConnectionSender.RequestWeight);
    }

    private void Complete(PendingRequest pending, CoapResponse response)
    {
        if (pending.Notifies is { } observer)
        {
            SendNotification(pending, observer, response);
            return;
        }

        AtWork(pending, -1);
        if (response.Code.Class >= 4)
            _metrics.Refused(CoapMetrics.NameOf(response.Code));
        Keep(pending, pending.BodyKey, response);
        var buffer = RentFor(pending.MaxAnswerBytes, response);
        var isAwaited = Send(pending, response, NumberOf(pending.Observer, response), buffer);
        ArrayPool<byte>.Shared.Return(buffer);

        // What has changed since the handler was asked is told now.
        if (pending.Observer is not null && !isAwaited)
            Next(pending.Observer);
    }

    /// <returns>Whether it is to be confirmed, and what comes after it waits for that.</returns>
    private bool Send(PendingRequest pending, CoapResponse response, uint? sequence, byte[] buffer)
    {
        var isConfirmable = pending.Type == CoapType.Confirmable;
        var isPiggybacked = isConfirmable && !pending.IsAcknowledged;
        var isSuppressed = Request.IsSuppressed(pending.NoResponse, response.Code);
        if (isSuppressed)
        {
            if (isPiggybacked)
                SendEmpty(pending.Address, CoapType.Acknowledgement, pending.MessageId);
            if (pending.IsNoted)
                pending.Peer!.Messages.Set(pending.MessageId, MessageAnswer.Separate);
            return false;
        }

        // To an address that may be forged nothing is sent more than once.
        var delivered = pending.IsUnverified ? null : ConfirmationOf(response, pending.Block2, pending.MaxPartBytes);
        if (delivered is not null && isPiggybacked)
        {
            SendEmpty(pending.Address, CoapType.Acknowledgement, pending.MessageId);
            isPiggybacked = false;
        }

        var header = isPiggybacked
            ? new CoapHeader(CoapType.Acknowledgement, response.Code, pending.MessageId)
            : new CoapHeader(
                (isConfirmable && !pending.IsUnverified) || delivered is not null ? CoapType.Confirmable : CoapType.NonConfirmable,
                response.Code,
                _messageIds.Next(pending.Address)
            );
        Span<byte> tokenBuffer = stackalloc byte[CoapToken.MaxShortLength];
        var token = pending.Token.AsSpan(tokenBuffer);
        var room = Room(buffer, pending.Address, pending.MaxAnswerBytes);
        var maxPartBytes = pending.MaxPartBytes;
        var length = ResponseWriter.Write(
            room,
            header,
            token,
            response,
            pending.Block2,
            pending.Block1,
            sequence,
            maxPartBytes,
            TakesSeveralBlocks(pending.Address)
        );
        if (length == 0)
        {
            var refusal = new CoapResponse(CoapCode.BadRequest);
            delivered = null;
            length = ResponseWriter.Write(
                room,
                header with
                {
                    Code = refusal.Code,
                },
                token,
                refusal,
                null,
                null,
                null,
                maxPartBytes,
                takesSeveralBlocks: false
            );
        }

        if (length > pending.MaxAnswerBytes)
            length = WriteChallenge(pending, header, token, buffer);
        if (length == 0 || length > pending.MaxAnswerBytes)
            return false;
        if (delivered is not null)
            SendForConfirmation(pending.Address, header.MessageId, buffer.AsSpan(0, length), delivered, pending.Observer);
        else if (header.Type == CoapType.Confirmable)
            SendConfirmable(pending.Address, header.MessageId, buffer.AsSpan(0, length), null);
        else
            _sender.Send(pending.Address, buffer.AsSpan(0, length));
        if (!pending.IsNoted)
            return delivered is not null;

        pending.Peer!.Messages.Set(pending.MessageId, isPiggybacked ? MessageAnswer.Whole : MessageAnswer.Separate);
        if (isPiggybacked)
            _answers.Add(pending.Peer, pending.MessageId, buffer.AsSpan(0, length).ToArray());
        return delivered is not null;
    }

    private int WriteChallenge(PendingRequest pending, CoapHeader header, ReadOnlySpan<byte> token, byte[] buffer)
    {
        Span<byte> echo = stackalloc byte[EchoChallenge.Length];
        _echo.Write(pending.Address, Seconds, echo);
        var writer = new CoapMessageWriter(buffer);
        Write(ref writer, header with { Code = CoapCode.Unauthorized }, token, new Reply(CoapCode.Unauthorized) { Echo = echo });
        return writer.Length;
    }

    // The rest of a large answer is fetched later, part by part.
    private void Keep(PendingRequest pending, BodyKey? key, CoapResponse response)
    {
        if (key is { } known && response.Payload.Length > ResponseWriter.WholeSizeOf(pending.Block2, pending.MaxPartBytes))
            _downloads.Add(known, response, _now);
    }

    // Over a connection an answer may be far longer than a datagram, but is not often.
    private static byte[] RentFor(int maxAnswerBytes, CoapResponse response) =>
        ArrayPool<byte>.Shared.Rent(
            Math.Max(UdpSocket.MaxDatagramBytes, Math.Min(maxAnswerBytes, response.Payload.Length + UdpSocket.MaxDatagramBytes))
        );

    private static Span<byte> Room(byte[] buffer, in PeerAddress peer, int maxAnswerBytes) =>
        buffer.AsSpan(0, peer.IsConnection ? Math.Min(buffer.Length, maxAnswerBytes) : UdpSocket.MaxDatagramBytes);
}
