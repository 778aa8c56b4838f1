using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Observe;

/// <summary>Who observes what. An observer is its peer and token, and a new registration takes the place of the former (RFC 7641 §4.1). Not thread-safe.</summary>
/// <remarks>
/// Most observers are told nothing for hours, so what finds them is chains through them: of a peer, which has few, and of a device that is
/// observed.
/// </remarks>
internal sealed class ObserverTable(CoapServerOptions options, CoapMetrics metrics)
{
    private readonly Dictionary<(CoapResource, TenantId, DeviceId), Observer> _bySubject = [];

    public int Count { get; private set; }

    /// <returns><see langword="false"/> if there is no room for it.</returns>
    public bool TryAdd(Observer observer)
    {
        var peer = observer.Peer;
        if (Find(peer, observer.Token) is { } former)
        {
            observer.Follow(former);
            Remove(former);
        }

        if (peer.IsGone || Count >= options.MaxObservers || peer.ObserverCount >= options.MaxObserversPerPeer)
            return false;
        (observer.NextOfPeer, peer.FirstObserver) = (peer.FirstObserver, observer);
        peer.ObserverCount++;
        if (_bySubject.TryGetValue(SubjectOf(observer), out var first))
            (observer.Next, first.Previous) = (first, observer);
        _bySubject[SubjectOf(observer)] = observer;
        Count++;
        metrics.Observing(1);
        return true;
    }

    /// <summary>Finds the observers of a resource; those of one device without looking at others.</summary>
    public IEnumerable<Observer> Of(CoapResource resource, TenantId? tenant, DeviceId? device)
    {
        if (tenant is { } oneTenant && device is { } oneDevice)
            return ChainFrom(_bySubject.GetValueOrDefault((resource, oneTenant, oneDevice)));
        return _bySubject
            .Values.SelectMany(ChainFrom)
            .Where(observer =>
                observer.Resource == resource
                && (tenant is null || observer.Session.Tenant == tenant)
                && (device is null || observer.Subject == device)
            );
    }

    /// <summary>Takes a RST for a notification (RFC 7641 §3.6).</summary>
    /// <param name="first">The first of the peers at the address that it came from.</param>
    /// <param name="messageId">The notification's id.</param>
    public void TryReject(Peer first, ushort messageId)
    {
        for (var peer = first; peer is not null; peer = peer.Sibling)
        {
            for (var observer = peer.FirstObserver; observer is not null; observer = observer.NextOfPeer)
            {
                if (observer.LastMessageId != messageId)
                    continue;
                Remove(observer);
                return;
            }
        }
    }

    public void Remove(Peer peer, CoapToken token)
    {
        if (Find(peer, token) is { } observer)
            Remove(observer);
    }

    public void Remove(Observer observer)
    {
        if (observer.IsGone)
            return;
        observer.IsGone = true;
        UnlinkFromPeer(observer);
        UnlinkFromSubject(observer);
        Count--;
        metrics.Observing(-1);
    }

    /// <summary>Removes all of a peer's, which is gone.</summary>
    public void RemoveAll(Peer peer)
    {
        while (peer.FirstObserver is { } first)
            Remove(first);
    }

    private static (CoapResource, TenantId, DeviceId) SubjectOf(Observer observer) =>
        (observer.Resource, observer.Session.Tenant, observer.Subject);

    private static IEnumerable<Observer> ChainFrom(Observer? first)
    {
        for (var observer = first; observer is not null; observer = observer.Next)
            yield return observer;
    }

    private static Observer? Find(Peer peer, CoapToken token)
    {
        var observer = peer.FirstObserver;
        while (observer is not null && !observer.Token.Equals(token))
            observer = observer.NextOfPeer;
        return observer;
    }

    private static void UnlinkFromPeer(Observer observer)
    {
        var peer = observer.Peer;
        peer.ObserverCount--;
        if (peer.FirstObserver == observer)
        {
            peer.FirstObserver = observer.NextOfPeer;
            return;
        }

        var before = peer.FirstObserver!;
        while (before.NextOfPeer != observer)
            before = before.NextOfPeer!;
        before.NextOfPeer = observer.NextOfPeer;
    }

    private void UnlinkFromSubject(Observer observer)
    {
        observer.Next?.Previous = observer.Previous;
        if (observer.Previous is { } previous)
            previous.Next = observer.Next;
        else if (observer.Next is { } next)
            _bySubject[SubjectOf(observer)] = next;
        else
            _bySubject.Remove(SubjectOf(observer));
    }
}
