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

    private readonly HashSet<PendingRequest> _requestsAtWork = [];

    private void HandleResource(in Request request)
    {
        var resource = _services.Resources.Find(request.Message);
        if (resource is null)
            Answer(request, new Reply(CoapCode.NotFound));
        else if (request.Peer is null && !resource.AllowsAnonymous)
            Answer(request, new Reply(CoapCode.Unauthorized));
        else if (resource.Find(request.Header.Code) is not { } handler)
            Answer(request, new Reply(CoapCode.MethodNotAllowed));
        else if (IsIdempotent(request.Header.Code) || IsNew(request))
            TakeRequest(request, resource, handler);
    }

    // RFC 7252 §5.1, RFC 8132 §2: what can be done twice need not be told from its duplicates (RFC 7252 §4.5).
    private static bool IsIdempotent(CoapCode method) =>
        method == CoapCode.Get || method == CoapCode.Fetch || method == CoapCode.Put || method == CoapCode.Delete;

    private void TakeRequest(in Request request, CoapResource resource, CoapHandler handler)
    {
        var head = request.Head;
        _requests++;
        if (head.Observe == 1 && request.Peer is not null)
            _observers.Remove(request.Address, new CoapToken(request.Message.Token));

        // An observer is sent more than it asks for, and so must show its address first.
        if (IsUnverified(request) && head.Observe == 0 && resource.IsObservable)
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

        var isNoted = !IsIdempotent(request.Header.Code);
        if (
            _requestsAtWork.Count >= _options.MaxPendingRequests
            || (isNoted && !request.Peer!.Messages.TryAdd(request.Header.MessageId, _unit))
        )
        {
            Answer(request, Busy);
            return;
        }

        Span<byte> key = stackalloc byte[BodyKey.MaxLength];
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
            BodyKey = request.Peer is null ? [] : key[..BodyKey.Write(request.Address, request.Session, request.Message, key)].ToArray(),
            IsNoted = isNoted,
        };
        _requestsAtWork.Add(pending);
        ThreadPool.UnsafeQueueUserWorkItem(RunRequest, pending);
    }

    private static bool IsUnverified(in Request request) => request.MaxAnswerBytes < UdpSocket.MaxDatagramBytes;

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
        Span<byte> key = stackalloc byte[BodyKey.MaxLength];
        key = key[..BodyKey.Write(request.Address, request.Session, request.Message, key)];
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
        var buffer = ArrayPool<byte>.Shared.Rent(UdpSocket.MaxDatagramBytes);
        var length = ResponseWriter.Write(buffer, header, request.Message.Token, kept, part, null, null);
        if (length == 0)
            Answer(request, new Reply(CoapCode.BadRequest) { Diagnostic = "there is no such block"u8 });
        else
            _sender.Send(request.Address, buffer.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(buffer);
        return true;
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
                Complete(pending, ResponseWriter.Prepare(response, pending.Block2));
        }
        catch (Exception e)
        {
            _logger.HandlerFailed(e, pending.Context.Method, pending.Resource.Path);
        }
    }

    private void Complete(PendingRequest pending, CoapResponse response)
    {
        if (pending.Notifies is { } observer)
        {
            SendNotification(observer, response);
            return;
        }

        _requestsAtWork.Remove(pending);
        if (response.Code.Class >= 4)
            _metrics.Refused(CoapMetrics.NameOf(response.Code));
        Keep(pending.BodyKey, response, pending.Block2);
        var sequence = TryObserve(pending, response);
        var buffer = ArrayPool<byte>.Shared.Rent(UdpSocket.MaxDatagramBytes);
        Send(pending, response, sequence, buffer);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private void Send(PendingRequest pending, CoapResponse response, uint? sequence, byte[] buffer)
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
            return;
        }

        var header = isPiggybacked
            ? new CoapHeader(CoapType.Acknowledgement, response.Code, pending.MessageId)
            : new CoapHeader(
                isConfirmable ? CoapType.Confirmable : CoapType.NonConfirmable,
                response.Code,
                _messageIds.Next(pending.Address)
            );
        Span<byte> tokenBuffer = stackalloc byte[CoapToken.MaxShortLength];
        var token = pending.Token.AsSpan(tokenBuffer);
        var length = ResponseWriter.Write(buffer, header, token, response, pending.Block2, pending.Block1, sequence);
        if (length == 0)
        {
            var refusal = new CoapResponse(CoapCode.BadRequest);
            length = ResponseWriter.Write(buffer, header with { Code = refusal.Code }, token, refusal, null, null, null);
        }

        if (length > pending.MaxAnswerBytes)
            length = WriteChallenge(pending, header, token, buffer);
        if (length > pending.MaxAnswerBytes)
            return;
        if (header.Type == CoapType.Confirmable)
            SendConfirmable(pending.Address, header.MessageId, buffer.AsSpan(0, length), null);
        else
            _sender.Send(pending.Address, buffer.AsSpan(0, length));
        if (!pending.IsNoted)
            return;

        pending.Peer!.Messages.Set(pending.MessageId, isPiggybacked ? MessageAnswer.Whole : MessageAnswer.Separate);
        if (isPiggybacked)
            _answers.Add(pending.Address, pending.MessageId, buffer.AsSpan(0, length).ToArray());
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
    private void Keep(byte[] key, CoapResponse response, CoapBlock? part)
    {
        if (key.Length > 0 && response.Payload.Length > ResponseWriter.PartSizeOf(part))
            _downloads.Add(key, response, _now);
    }
}
