using System.Buffers;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Observe;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

internal sealed partial class CoapEndpoint
{
    private const int ConfirmEvery = 5;
    private static readonly TimeSpan ConfirmAfter = TimeSpan.FromHours(24); // RFC 7641 §4.5

    /// <returns>The number of the answer, if its sender is an observer now.</returns>
    private uint? TryObserve(PendingRequest pending, CoapResponse response)
    {
        if (
            pending is not { Observe: 0, Peer: { } peer, Resource.IsObservable: true }
            || pending.Context.Method != CoapCode.Get
            || !response.Code.IsSuccess
            || pending.Block2 is { Number: > 0 }
        )
            return null;
        var observer = new Observer(peer, pending.Token, pending.Resource, pending.Context.Session)
        {
            Queries = pending.Context.Queries,
            Accept = pending.Context.Accept,
            Block2 = pending.Block2,
            BodyKey = pending.BodyKey,
            ConfirmedAt = _now,
        };
        return _observers.TryAdd(observer) ? observer.NextSequence() : null;
    }

    private void OnChanged(CoapResource resource, TenantId? tenant, DeviceId? device)
    {
        lock (_sync)
        {
            foreach (var observer in _observers.Of(resource))
            {
                if ((tenant is null || observer.Session?.Tenant == tenant) && (device is null || observer.Session?.Device == device))
                    Notify(observer);
            }
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
            },
            Address = observer.Peer.Address,
            Type = CoapType.NonConfirmable,
            MessageId = 0,
            Token = observer.Token,
            MaxAnswerBytes = UdpSocket.MaxDatagramBytes,
            Since = _now,
            Block2 = observer.Block2,
            Notifies = observer,
        };
        ThreadPool.UnsafeQueueUserWorkItem(RunRequest, pending);
    }

    private void SendNotification(Observer observer, CoapResponse response)
    {
        if (observer.IsGone)
            return;
        var isLast = !response.Code.IsSuccess;
        if (isLast)
            _observers.Remove(observer);
        Keep(observer.BodyKey, response, observer.Block2);
        var peer = observer.Peer.Address;
        var isConfirmable =
            isLast
            || observer.Resource.ConfirmsNotifications
            || observer.Unconfirmed >= ConfirmEvery - 1
            || _now - observer.ConfirmedAt >= ToTicks(ConfirmAfter);
        var messageId = _messageIds.Next(peer);
        var header = new CoapHeader(isConfirmable ? CoapType.Confirmable : CoapType.NonConfirmable, response.Code, messageId);
        Span<byte> token = stackalloc byte[CoapToken.MaxShortLength];
        var buffer = ArrayPool<byte>.Shared.Rent(UdpSocket.MaxDatagramBytes);
        var length = ResponseWriter.Write(
            buffer,
            header,
            observer.Token.AsSpan(token),
            response,
            observer.Block2,
            null,
            isLast ? null : observer.NextSequence()
        );
        if (!isLast)
            _observers.Notified(observer, messageId);
        if (isConfirmable)
        {
            SendConfirmable(peer, messageId, buffer.AsSpan(0, length), isAcknowledged => OnConfirmed(observer, isAcknowledged));
        }
        else
        {
            observer.Unconfirmed++;
            _sender.Send(peer, buffer.AsSpan(0, length));
            Next(observer);
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    // Called under the lock: by an ACK, a RST, or when it was sent often enough.
    private void OnConfirmed(Observer observer, bool isAcknowledged)
    {
        if (!isAcknowledged)
        {
            _observers.RemoveAll(observer.Peer);
            return;
        }

        observer.Unconfirmed = 0;
        observer.ConfirmedAt = _now;
        Next(observer);
    }

    private void Next(Observer observer)
    {
        observer.IsBusy = false;
        if (observer is { IsBehind: true, IsGone: false })
            Notify(observer);
    }
}
