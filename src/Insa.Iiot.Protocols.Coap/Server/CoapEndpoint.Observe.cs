using System.Buffers;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Observe;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

internal sealed partial class CoapEndpoint
{
    private const int ConfirmEvery = 5;
    private const int SequenceMilliseconds = 8; // 24 bits of it are a day and a half
    private static readonly TimeSpan ConfirmAfter = TimeSpan.FromHours(24); // RFC 7641 §4.5

    // Before the handler is asked, so that no change falls between its answer and the registration.
    private Observer? Register(PendingRequest pending)
    {
        if (
            pending is not { Observe: 0, Peer: { } peer, Resource.IsObservable: true }
            || pending.Context.Method != CoapCode.Get
            || pending.Block2 is { Number: > 0 }
        )
            return null;
        var observer = new Observer(peer, pending.Token, pending.Resource, pending.Context.Session!)
        {
            Subject = pending.Resource.SubjectOf(pending.Context),
            Queries = pending.Context.Queries,
            Accept = pending.Context.Accept,
            Block2 = pending.Block2,
            BodyKey = pending.BodyKey!.Value,
            ConfirmedAt = _now,
            IsBusy = true,
        };
        return _observers.TryAdd(observer) ? observer : null;
    }

    /// <returns>The number of the answer, if its sender is an observer now.</returns>
    private uint? NumberOf(Observer? observer, CoapResponse response)
    {
        if (observer is null || observer.IsGone)
            return null;
        if (response.Code.IsSuccess)
        {
            observer.ContentFormat = response.ContentFormat;
            return observer.NextSequence(SequenceClock);
        }

        _observers.Remove(observer);
        return null;
    }

    private long SequenceClock => _time.GetUtcNow().ToUnixTimeMilliseconds() / SequenceMilliseconds;

    private void OnChanged(CoapResource resource, TenantId? tenant, DeviceId? device)
    {
        lock (_sync)
        {
            foreach (var observer in _observers.Of(resource, tenant, device))
                Notify(observer);
        }
    }

    // One notification of an observer is under way at a time; what changes meanwhile is in the next (RFC 7641 §4.5.1).
    private void Notify(Observer observer)
    {
        observer.IsBehind = true;
        if (observer.IsBusy)
            return;
        observer.IsBusy = true;
        observer.IsBehind = false;
        var pending = new PendingRequest
        {
            Endpoint = this,
            Resource = observer.Resource,
            Handler = observer.Resource.Find(CoapCode.Get)!,
            Context = new CoapContext(CoapCode.Get, observer.Resource.Path)
            {
                Session = observer.Session,
                Queries = observer.Queries,
                Accept = observer.Accept,
                IsNotification = true,
            },
            Address = observer.Peer.Address,
            Type = CoapType.NonConfirmable,
            MessageId = 0,
            Token = observer.Token,
            MaxAnswerBytes = MaxAnswerBytesTo(observer.Peer.Address, isVerified: true, 0),
            Since = _now,
            Block2 = observer.Block2,
            Notifies = observer,
        };
        ThreadPool.UnsafeQueueUserWorkItem(RunRequest, pending);
    }

    private void SendNotification(PendingRequest pending, Observer observer, CoapResponse response)
    {
        if (observer.IsGone)
            return;
        if (response.IsNoNews)
        {
            Next(observer);
            return;
        }

        // RFC 7641 §4.2: all notifications have the format that the first answer had.
        if (response.Code.IsSuccess && response.ContentFormat != observer.ContentFormat)
            response = new CoapResponse(CoapCode.NotAcceptable);
        var isLast = !response.Code.IsSuccess;
        if (isLast)
            _observers.Remove(observer);
        Keep(pending, observer.BodyKey, response);
        var peer = observer.Peer.Address;

        var delivered = ConfirmationOf(response, observer.Block2, pending.MaxPartBytes);

        // Of a peer whose session has another address, its ACK shows that it is there (RFC 9146 §6).
        var isConfirmable =
            !peer.IsConnection
            && (
                isLast
                || !observer.Peer.IsVerified
                || delivered is not null
                || observer.Resource.ConfirmsNotifications
                || observer.Unconfirmed >= ConfirmEvery - 1
                || _now - observer.ConfirmedAt >= ToTicks(ConfirmAfter)
            );
        var messageId = _messageIds.Next(peer);
        var header = new CoapHeader(isConfirmable ? CoapType.Confirmable : CoapType.NonConfirmable, response.Code, messageId);
        Span<byte> token = stackalloc byte[CoapToken.MaxShortLength];
        var buffer = RentFor(pending.MaxAnswerBytes, response);
        var length = ResponseWriter.Write(
            Room(buffer, peer, pending.MaxAnswerBytes),
            header,
            observer.Token.AsSpan(token),
            response,
            observer.Block2,
            null,
            isLast ? null : observer.NextSequence(SequenceClock),
            pending.MaxPartBytes,
            TakesSeveralBlocks(peer)
        );
        if (length == 0)
        {
            // It has no room for one: it is not to be told again and again that there is nothing.
            if (!isLast)
                _observers.Remove(observer);
            ArrayPool<byte>.Shared.Return(buffer);
            return;
        }

        if (!isLast)
            observer.LastMessageId = messageId;
        if (isConfirmable || delivered is not null)
        {
            SendForConfirmation(peer, messageId, buffer.AsSpan(0, length), delivered, observer);
        }
        else
        {
            observer.Unconfirmed++;
            _sender.Send(peer, buffer.AsSpan(0, length));
            observer.AwaitsRoom = peer.IsConnection && _connections!.AwaitsRoom(peer);
            if (!observer.AwaitsRoom)
                Next(observer);
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    // Called under the lock.
    private void OnEnded(Observer? observer, MessageOutcome outcome)
    {
        if (observer is null)
            return;
        switch (outcome)
        {
            case MessageOutcome.Acknowledged:
                observer.Peer.IsVerified = true;
                observer.Unconfirmed = 0;
                observer.ConfirmedAt = _now;
                Next(observer);
                break;
            case MessageOutcome.TimedOut:
                _observers.RemoveAll(observer.Peer);
                break;
            default:
                _observers.Remove(observer);
                break;
        }
    }

    private void Next(Observer observer)
    {
        observer.IsBusy = false;
        if (observer is { IsBehind: true, IsGone: false })
            Notify(observer);
    }
}
