using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Observe;

/// <summary>Who observes what. An observer is its peer and token, and a new registration takes the place of the former (RFC 7641 §4.1). Not thread-safe.</summary>
internal sealed class ObserverTable(CoapServerOptions options, CoapMetrics metrics)
{
    private readonly Dictionary<(PeerAddress Peer, CoapToken Token), Observer> _observers = [];
    private readonly Dictionary<CoapResource, HashSet<Observer>> _byResource = [];
    private readonly Dictionary<(PeerAddress Peer, ushort MessageId), Observer> _byMessage = [];

    public int Count => _observers.Count;

    /// <returns><see langword="false"/> if there is no room for it.</returns>
    public bool TryAdd(Observer observer)
    {
        if (_observers.TryGetValue((observer.Peer.Address, observer.Token), out var former))
        {
            observer.Follow(former);
            Remove(former);
        }

        var ofPeer = observer.Peer.Observers ??= [];
        if (observer.Peer.IsGone || _observers.Count >= options.MaxObservers || ofPeer.Count >= options.MaxObserversPerPeer)
            return false;
        _observers.Add((observer.Peer.Address, observer.Token), observer);
        if (!_byResource.TryGetValue(observer.Resource, out var observers))
            _byResource.Add(observer.Resource, observers = []);
        observers.Add(observer);
        ofPeer.Add(observer);
        metrics.Observing(1);
        return true;
    }

    public IReadOnlyCollection<Observer> Of(CoapResource resource) => _byResource.TryGetValue(resource, out var observers) ? observers : [];

    /// <summary>Notes the message that an observer was notified by.</summary>
    public void Notified(Observer observer, ushort messageId)
    {
        if (observer.LastMessageId is { } last)
            _byMessage.Remove((observer.Peer.Address, last));
        observer.LastMessageId = messageId;
        _byMessage[(observer.Peer.Address, messageId)] = observer;
    }

    /// <summary>Takes a RST for a notification (RFC 7641 §3.6).</summary>
    public bool TryReject(in PeerAddress peer, ushort messageId)
    {
        if (!_byMessage.TryGetValue((peer, messageId), out var observer))
            return false;
        Remove(observer);
        return true;
    }

    public void Remove(in PeerAddress peer, CoapToken token)
    {
        if (_observers.TryGetValue((peer, token), out var observer))
            Remove(observer);
    }

    public void Remove(Observer observer)
    {
        if (observer.IsGone || !_observers.Remove((observer.Peer.Address, observer.Token)))
            return;
        observer.IsGone = true;
        observer.Peer.Observers!.Remove(observer);
        _byResource[observer.Resource].Remove(observer);
        if (observer.LastMessageId is { } last)
            _byMessage.Remove((observer.Peer.Address, last));
        metrics.Observing(-1);
    }

    /// <summary>Removes all of a peer's, which is gone.</summary>
    public void RemoveAll(Peer peer)
    {
        while (peer.Observers is [.., var last])
            Remove(last);
    }
}
