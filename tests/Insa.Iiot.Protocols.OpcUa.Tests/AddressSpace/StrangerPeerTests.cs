using System.Text.Json;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>With the client of node-opcua, as a user of one tenant who knows the names of another's nodes.</summary>
[Trait("Category", "Peer")]
public sealed class StrangerPeerTests
{
    [Fact]
    public async Task What_is_another_tenants_is_unknown_to_it_whatever_it_asks()
    {
        await using var world = await InteropWorld.StartAsync();
        var now = TimeProvider.System.GetUtcNow();
        var result = await world.RunAsync(
            "stranger",
            new
            {
                user = OpcUaHost.OtherUser,
                shared = InteropWorld.Level,
                guessed = (string[])
                    ["ns=3;s=only-acme", "ns=3;s=only-acme/level", "ns=3;s=only-acme#Telemetry", "ns=3;s=press-1/../../acme/press-1/level"],
                path = "/Objects/2:Tenants/3:acme",
                start = now.AddDays(-1).ToUnixTimeMilliseconds(),
                end = now.ToUnixTimeMilliseconds(),
            }
        );
        Assert.True(result.GetProperty("ok").GetBoolean(), result.GetRawText());
        foreach (var guessed in result.GetProperty("guessed").EnumerateObject())
            Assert.All(guessed.Value.EnumerateArray(), status => Assert.Equal("BadNodeIdUnknown", status.GetString()));

        Assert.Equal(77, result.GetProperty("value").GetDouble());
        Assert.Equal([77], result.GetProperty("history").EnumerateArray().Select(value => value.GetDouble()));
        Assert.DoesNotContain("acme", result.GetProperty("namespaces").GetRawText(), StringComparison.Ordinal);
        Assert.Equal("BadNoMatch", result.GetProperty("path").GetString());

        foreach (var what in (string[])["transfer", "republish", "items", "resend", "deleted"])
            Assert.Equal((what, "BadSubscriptionIdInvalid"), (what, result.GetProperty(what).GetString()));
        Assert.Equal(0, result.GetProperty("owner").GetDouble());
        Assert.Empty(world.Commands.Sent);
    }
}
