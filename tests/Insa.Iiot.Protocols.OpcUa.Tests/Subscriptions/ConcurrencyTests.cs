using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Tests.Events;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>Values, clock and clients at once.</summary>
public sealed class ConcurrencyTests
{
    private const int Rounds = 2000;

    [Fact]
    public async Task Nothing_is_lost_or_repeated_while_values_come_from_other_threads()
    {
        using var world = new SubscriptionWorld(new() { MaxQueueSize = Rounds * 2 });
        var client = world.Connect();
        var id = client.CreateSubscription(lifetime: 100_000);
        client.Monitor(id, "x", queueSize: Rounds * 2);
        var pushing = Task.Run(() =>
        {
            for (var i = 1; i <= Rounds; i++)
                world.Values.Set("x", Variant.Of((double)i));
        });
        var seen = new List<double>();
        uint last = 0;
        while (seen.Count <= Rounds)
        {
            if (client.WaitingRequests == 0)
                client.Publish((id, last));
            world.Pass(100);
            while (client.Answered > 0)
            {
                var published = client.Take();
                if (!published.IsKeepAlive)
                    Assert.Equal(++last, published.SequenceNumber);
                seen.AddRange(published.Numbers());
            }
        }

        await pushing;
        Assert.Equal(Enumerable.Range(0, Rounds + 1).Select(number => (double)number), seen);
    }

    [Fact]
    public async Task Clients_that_do_everything_at_once_leave_the_engine_whole()
    {
        using var world = new SubscriptionWorld(new() { MaxPublishRequestsPerSession = 5, MaxItemsPerTenant = 200 });
        var clients = Enumerable.Range(0, 4).Select(_ => world.Connect()).ToArray();
        var shared = new uint[clients.Length];
        var stop = 0;
        var clock = Task.Run(() =>
        {
            while (Volatile.Read(ref stop) == 0)
                world.Pass(50);
        });
        var values = Task.Run(() =>
        {
            for (var i = 0; Volatile.Read(ref stop) == 0; i++)
            {
                world.Values.Set("xyz"[i % 3].ToString(), Variant.Of((double)i));
                world.Events.Raise("area", "something", (ushort)(1 + i % 1000));
            }
        });

        await Task.WhenAll(clients.Select((client, index) => Task.Run(() => DoEverything(client, index))));
        Volatile.Write(ref stop, 1);
        await Task.WhenAll(clock, values);

        // Whatever is left ends in order.
        foreach (var client in clients)
            client.Close(deleteSubscriptions: true);
        Assert.All(clients, client => Assert.Equal(0, client.WaitingRequests));

        void DoEverything(SubscriptionClient client, int index)
        {
            var random = new Random(index);
            for (var round = 0; round < Rounds; round++)
            {
                if (shared[index] == 0)
                    shared[index] = client.CreateSubscription(interval: 50, lifetime: 1000);
                var id = Volatile.Read(ref shared[random.Next(shared.Length)]);
                switch (random.Next(8))
                {
                    case 0:
                        client.Transfer(random.Next(2) == 0, id);
                        break;
                    case 1:
                        client.Delete(id);
                        Interlocked.CompareExchange(ref shared[index], 0, id);
                        break;
                    case 2 or 3:
                        client.Send(
                            SubscriptionClient.Items(
                                id,
                                [
                                    SubscriptionClient.Item("x", queueSize: 3),
                                    SubscriptionClient.Item("y", sampling: 20),
                                    SubscriptionClient.Item("area", attribute: 12, queueSize: 3, filter: Filters.AtLeast(500)),
                                ]
                            )
                        );
                        break;
                    case 4:
                        world.Services.ResendData(client.Session, id);
                        break;
                    case 5:
                        world.Services.ListSubscriptions(client.Session.Tenant);
                        break;
                    default:
                        client.Publish((id, (uint)random.Next(5)));
                        break;
                }
            }
        }
    }
}
