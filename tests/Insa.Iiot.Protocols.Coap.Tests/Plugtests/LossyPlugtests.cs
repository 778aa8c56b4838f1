using Insa.Iiot.Protocols.Coap.Tests.Client;

namespace Insa.Iiot.Protocols.Coap.Tests.Plugtests;

/// <summary>ETSI CoAP#4's lossy cases: client and server of ours over a link that loses, repeats and swaps, by a seed.</summary>
public sealed class LossyPlugtests
{
    private static readonly CoapClientOptions Quick = new() { AckTimeout = TimeSpan.FromMilliseconds(50), MaxRetransmit = 10 };

    [Theory] // TD_COAP_CORE_15
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_reading_gets_through_and_is_stored_once(int seed)
    {
        await using var world = await CoapWorld.StartAsync(isRealTime: true);
        await using var link = new LossyLink(world.Address.Port, seed);
        await using var client = await CoapClient.ConnectAsync(link.Uri, Quick);
        for (var i = 0; i < 100; i++)
        {
            var reading = System.Text.Encoding.UTF8.GetBytes($$$"""{"data":{"n":{{{i}}}}}""");
            Assert.Equal(CoapCode.Changed, (await client.PostAsync("telemetry?" + CoapWorld.Token, reading, CoapContentFormat.Json)).Code);
        }

        Assert.True(link.Lost > 0);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (double)i), world.Stored.Select(row => row.Value.AsDouble()));
    }

    [Fact] // TD_COAP_CORE_16
    public async Task Late_answers_get_through()
    {
        await using var world = await CoapWorld.StartAsync(
            coap =>
            {
                coap.PiggybackWindow = TimeSpan.FromMilliseconds(10);
                coap.AckTimeout = TimeSpan.FromSeconds(1);
                coap.Map("late")
                    .On(
                        CoapCode.Post,
                        async (_, cancellationToken) =>
                        {
                            await Task.Delay(TimeSpan.FromMilliseconds(250), cancellationToken);
                            return new CoapResponse(CoapCode.Changed);
                        }
                    );
            },
            isRealTime: true
        );
        await using var link = new LossyLink(world.Address.Port, 7);
        await using var client = await CoapClient.ConnectAsync(link.Uri, Quick);
        for (var i = 0; i < 8; i++)
            Assert.Equal(CoapCode.Changed, (await client.PostAsync("late?" + CoapWorld.Token, default, CoapContentFormat.Text)).Code);
    }

    [Fact]
    public async Task Large_bodies_get_through_both_ways()
    {
        var resources = new PlugtestResources();
        await using var world = await CoapWorld.StartAsync(resources.AddTo, isRealTime: true);
        await using var link = new LossyLink(world.Address.Port, 11);
        await using var client = await CoapClient.ConnectAsync(link.Uri, Quick);
        var large = System.Text.Encoding.UTF8.GetBytes(PlugtestResources.Large);
        await client.PutAsync("large-update?" + CoapWorld.Token, large, CoapContentFormat.Text);
        var read = await client.GetAsync("large-update?" + CoapWorld.Token);
        Assert.Equal(large, read.Payload.ToArray());
        resources.ReleaseSeparate();
    }

    [Fact] // TD_COAP_OBS_11
    public async Task Changes_are_told_in_their_order_and_the_last_one_always()
    {
        var resources = new PlugtestResources();
        await using var world = await CoapWorld.StartAsync(
            coap =>
            {
                coap.AckTimeout = TimeSpan.FromSeconds(1);
                resources.AddTo(coap);
            },
            isRealTime: true
        );
        await using var link = new LossyLink(world.Address.Port, 5);
        await using var client = await CoapClient.ConnectAsync(link.Uri, Quick);
        var seen = new List<int>();
        await foreach (var notification in client.ObserveAsync(new CoapRequest(CoapCode.Get, "obs?" + CoapWorld.Token)))
        {
            seen.Add(
                int.Parse(System.Text.Encoding.UTF8.GetString(notification.Payload.Span), System.Globalization.CultureInfo.InvariantCulture)
            );
            if (seen[^1] == 10)
                break;
            resources.Set("obs", System.Text.Encoding.UTF8.GetBytes($"{seen[^1] + 1}"));
            resources.Observed.NotifyChanged();
        }

        Assert.Equal(Enumerable.Range(0, 11), seen.Distinct());
        resources.ReleaseSeparate();
    }
}
