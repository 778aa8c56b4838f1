using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.Tests.Alarms;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Events;

/// <summary>With the client of node-opcua.</summary>
[Trait("Category", "Peer")]
public sealed class EventPeerTests
{
    private static readonly TenantId _acme = TenantId.Parse("acme");

    [Fact]
    public async Task It_acknowledges_an_alarm_and_refreshes_conditions()
    {
        var alarms = new FakeAlarms(TimeProvider.System);
        await using var peer = await PeerWorld.StartAsync(add: iiot => iiot.Services.AddSingleton<IAlarmSource>(alarms));
        peer.Host.UserPermissions = [.. SpaceWorld.AllPermissions, SessionPermissions.ReadAlarms, SessionPermissions.ActOnAlarms];
        peer.Host.Registry.Add(_acme, new Device { Id = DeviceId.Parse("press-1") });
        alarms.Set(_acme);
        var result = await peer.RunAsync(
            "alarms",
            "Aes256_Sha256_RsaPss",
            "SignAndEncrypt",
            "password",
            user: OpcUaHost.User,
            script: "events.mjs"
        );
        var told = result.GetRawText();
        Assert.True(result.GetProperty("ok").GetBoolean(), told);
        Assert.Equal(("Good", "Good"), (Of("refreshed"), Of("acknowledged")));
        Assert.Equal("BadConditionBranchAlreadyAcked", Of("again"));
        var alarm = result.GetProperty("alarm");
        Assert.Equal("Too hot", alarm.GetProperty("name").GetString());
        Assert.Equal("ns=3;s=press-1!hot", alarm.GetProperty("condition").GetString());
        Assert.Equal((false, true), (alarm.GetProperty("acked").GetBoolean(), alarm.GetProperty("active").GetBoolean()));
        var after = result.GetProperty("after");
        Assert.True(after.GetProperty("acked").GetBoolean(), told);
        Assert.Equal(("seen", OpcUaHost.User), (after.GetProperty("comment").GetString(), after.GetProperty("user").GetString()));
        Assert.True(result.GetProperty("same").GetBoolean(), told);
        Assert.Equal(["ns=0;i=2787", "ns=0;i=2788"], result.GetProperty("ends").EnumerateArray().Select(each => each.GetString()));

        string? Of(string name) => result.GetProperty(name).GetString();
    }

    [Fact]
    public async Task It_hears_of_what_passes_its_where_clauses()
    {
        await using var peer = await PeerWorld.StartAsync();
        peer.Host.UserPermissions = [.. SpaceWorld.AllPermissions];
        peer.Host.Registry.Add(_acme, new Device { Id = DeviceId.Parse("press-1") });
        var run = peer.RunAsync("events", "Basic256Sha256", "SignAndEncrypt", "password", user: OpcUaHost.User, script: "events.mjs");

        // Things happen until it has heard of enough of them.
        for (var i = 0; !run.IsCompleted; i++)
        {
            var state = i % 2 == 0 ? DeviceState.Disabled : DeviceState.Enabled;
            peer.Host.Registry.Add(_acme, new Device { Id = DeviceId.Parse("press-1"), State = state });
            peer.Host.Registry.Add(_acme, new Device { Id = DeviceId.Parse($"new-{i}") });
            if (peer.Host.Services.GetRequiredService<TenantSpaces>().Find(_acme) is { } space)
                await peer.Host.Services.GetRequiredService<SpaceSource>().ReconcileAsync(space, default);
            await Task.WhenAny(run, Task.Delay(100));
        }

        var result = await run;
        var told = result.GetRawText();
        Assert.True(result.GetProperty("ok").GetBoolean(), told);
        Assert.Equal([500, 500, 500], result.GetProperty("severities").EnumerateArray().Select(each => each.GetInt32()));
        Assert.All(result.GetProperty("sources").EnumerateArray(), source => Assert.Equal("ns=3;s=press-1", source.GetString()));
        Assert.All(
            result.GetProperty("messages").EnumerateArray(),
            message => Assert.Equal("The device is disabled: it may not connect.", message.GetString())
        );
        Assert.Equal(3, result.GetProperty("ids").GetInt32());
        Assert.All(
            result.GetProperty("types").EnumerateArray(),
            type => Assert.EndsWith("i=2133", type.GetString(), StringComparison.Ordinal)
        );
        Assert.All(
            result.GetProperty("changes").EnumerateArray(),
            changes => Assert.Equal("ns=3;i=3", changes.EnumerateArray().Last().GetString())
        );
    }
}
