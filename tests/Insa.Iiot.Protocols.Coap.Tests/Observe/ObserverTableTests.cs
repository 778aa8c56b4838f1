using System.Diagnostics.Metrics;
using CsCheck;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Observe;
using Insa.Iiot.Protocols.Coap.Transport;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Protocols.Coap.Tests.Observe;

public sealed class ObserverTableTests
{
    private const int MaxPerPeer = 3;
    private const int Most = 12;

    private static readonly TenantId[] Tenants = [TenantId.Parse("plant"), TenantId.Parse("other")];
    private static readonly DeviceId[] Devices = [DeviceId.Parse("press"), DeviceId.Parse("pump")];
    private static readonly CoapResource[] Resources = [new("a"), new("b")];

    [Fact]
    public void Whatever_comes_and_goes_is_found_by_peer_token_message_and_device() =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 7], Gen.Int[0, 4], Gen.Int[0, 1], Gen.Int[0, 1]).List[0, 80].Sample(Check, iter: 2000);

    // A list of what should be there is searched from end to end; the table must say the same.
    private static void Check(List<(int Verb, int Peer, int Token, int Resource, int Subject)> steps)
    {
        using var provider = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var metrics = new CoapMetrics(provider.GetRequiredService<IMeterFactory>());
        var table = new ObserverTable(new CoapServerOptions { MaxObservers = Most, MaxObserversPerPeer = MaxPerPeer }, metrics);
        var sessions = (from tenant in Tenants from device in Devices select new DeviceSession(tenant, device)).ToArray();
        var peers = Enumerable
            .Range(0, 8)
            .Select(i => new Peer(PeerAddress.OfSession(i / 2), sessions[i % 4].Tenant, sessions[i % 4].Device))
            .ToArray();
        for (var i = 0; i < peers.Length; i += 2)
            peers[i].Sibling = peers[i + 1];
        var expected = new List<Observer>();
        ushort message = 0;
        foreach (var (verb, which, token, resource, subject) in steps)
        {
            var peer = peers[which];
            switch (verb)
            {
                case 0 or 1 or 2:
                    var observer = new Observer(peer, new CoapToken([(byte)token]), Resources[resource], sessions[which % 4])
                    {
                        Subject = Devices[subject],
                        LastMessageId = ++message,
                    };
                    expected.RemoveAll(one => one.Peer == peer && one.Token.Equals(observer.Token));
                    var hasRoom = expected.Count < Most && expected.Count(one => one.Peer == peer) < MaxPerPeer;
                    Assert.Equal(hasRoom, table.TryAdd(observer));
                    if (hasRoom)
                        expected.Add(observer);
                    break;
                case 3:
                    expected.RemoveAll(one => one.Peer == peer && one.Token.Equals(new CoapToken([(byte)token])));
                    table.Remove(peer, new CoapToken([(byte)token]));
                    break;
                case 4 when expected.Count > 0:
                    var rejected = expected[(which + token) % expected.Count];
                    expected.Remove(rejected);
                    table.TryReject(
                        Array.Find(peers, one => one == rejected.Peer || one.Sibling == rejected.Peer)!,
                        rejected.LastMessageId!.Value
                    );
                    break;
                case 5:
                    expected.RemoveAll(one => one.Peer == peer);
                    table.RemoveAll(peer);
                    break;
            }

            Assert.Equal(expected.Count, table.Count);
            Assert.Equal(expected.Where(one => one.Peer == peer).ToHashSet(), OfPeer(peer).ToHashSet());
            foreach (var tenant in Tenants.Select(one => (TenantId?)one).Append(null))
            {
                foreach (var device in Devices.Select(one => (DeviceId?)one).Append(null))
                {
                    var wanted = expected.Where(one =>
                        one.Resource == Resources[resource]
                        && (tenant is null || one.Session.Tenant == tenant)
                        && (device is null || one.Subject == device)
                    );
                    var found = table.Of(Resources[resource], tenant, device).ToList();
                    Assert.Equal(wanted.ToHashSet(), found.ToHashSet());
                    Assert.Equal(found.Count, found.Distinct().Count());
                }
            }
        }
    }

    private static IEnumerable<Observer> OfPeer(Peer peer)
    {
        for (var observer = peer.FirstObserver; observer is not null; observer = observer.NextOfPeer)
            yield return observer;
    }
}
