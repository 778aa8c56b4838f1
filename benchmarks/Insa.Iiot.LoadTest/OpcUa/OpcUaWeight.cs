using Insa.Iiot.LoadTest.Measuring;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>What a server keeps of clients that are silent, by its resident size.</summary>
/// <param name="Side">The server.</param>
/// <param name="BytesPerIdleSession">With its channel and connection.</param>
/// <param name="BytesPerIdleItem">Monitored items on values that stay the same, with their share of a subscription.</param>
internal sealed record OpcUaWeight(string Side, double? BytesPerIdleSession, double? BytesPerIdleItem)
{
    private const int ItemsPerSubscription = 10_000;
    private const int WarmUp = 10;

    public static async Task<OpcUaWeight> OfAsync(OpcUaOptions options, OpcUaTarget server)
    {
        var clients = new List<OpcUaClient>();
        try
        {
            // The first ones pay for what is made once.
            for (var i = 0; options.IdleSessions > 0 && i < WarmUp; i++)
                clients.Add(server.Connect());
            var before = await ResidentAsync(server);
            for (var i = 0; i < options.IdleSessions; i++)
                clients.Add(server.Connect());
            double? session = options.IdleSessions == 0 ? null : (double)(await ResidentAsync(server) - before) / options.IdleSessions;

            if (options.IdleItems == 0)
                return new OpcUaWeight(server.Name, session, null);
            var client = server.Connect();
            clients.Add(client);
            OpcUaSubscribe.Create(client, server.Namespace, 0, 100, 3_600_000, 3_600_000);
            before = await ResidentAsync(server);
            for (var made = 0; made < options.IdleItems; made += ItemsPerSubscription)
            {
                var count = Math.Min(ItemsPerSubscription, options.IdleItems - made);
                OpcUaSubscribe.Create(client, server.Namespace, made, count, 3_600_000, 3_600_000);
            }

            return new OpcUaWeight(server.Name, session, (double)(await ResidentAsync(server) - before) / options.IdleItems);
        }
        finally
        {
            foreach (var client in clients)
                client.Dispose();
        }
    }

    private static async Task<long> ResidentAsync(OpcUaTarget server)
    {
        await server.CollectAsync();
        return ProcessUsage.ResidentBytesOf(server.Id);
    }
}
