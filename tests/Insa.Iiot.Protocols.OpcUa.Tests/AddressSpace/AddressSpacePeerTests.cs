using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>With the client of node-opcua.</summary>
[Trait("Category", "Peer")]
public sealed class AddressSpacePeerTests
{
    [Fact]
    public async Task It_browses_reads_writes_and_calls()
    {
        await using var peer = await PeerWorld.StartAsync(add: iiot => iiot.Services.AddSingleton<IDeviceCommands, ListedCommands>());
        Fill(peer.Host);
        peer.Host.UserPermissions = [.. SpaceWorld.AllPermissions];
        var result = await peer.RunAsync("space", "Basic256Sha256", "SignAndEncrypt", "password", user: OpcUaHost.User);
        var told = result.GetRawText();
        Assert.True(result.GetProperty("ok").GetBoolean(), told);
        Assert.Equal("ns=3;s=press-1/temp", result.GetProperty("node").GetString());
        Assert.Equal("urn:insa:iiot:acme:devices", result.GetProperty("namespaces")[3].GetString());
        Assert.InRange(result.GetProperty("below").GetInt32(), 150, 1000);
        Assert.InRange(result.GetProperty("types").GetInt32(), 500, 2000);
        Assert.Equal(14, result.GetProperty("good").GetInt32());
        Assert.Equal(1000, result.GetProperty("many").GetInt32());
        Assert.Equal((21.5, 30.5), (result.GetProperty("before").GetDouble(), result.GetProperty("after").GetDouble()));
        Assert.Equal(
            ("Good", "Good", "BadNodeIdUnknown"),
            (result.GetProperty("written").GetString(), result.GetProperty("called").GetString(), result.GetProperty("foreign").GetString())
        );
        Assert.Equal(
            ["Name", "Data", "NeedsAnswer", "Lifetime"],
            result.GetProperty("arguments").EnumerateArray().Select(name => name.GetString())
        );
        var sent = Assert.Single(((ListedCommands)peer.Host.Services.GetRequiredService<IDeviceCommands>()).Sent);
        Assert.Equal("set-status", sent.Command.Name);
    }

    [Fact]
    public async Task As_a_device_it_writes_and_does_not_command()
    {
        await using var peer = await PeerWorld.StartAsync();
        Fill(peer.Host);
        var result = await peer.RunAsync("space", "Aes256_Sha256_RsaPss", "SignAndEncrypt", "password");
        Assert.True(result.GetProperty("ok").GetBoolean(), result.GetRawText());
        Assert.Equal("Good", result.GetProperty("written").GetString());
        Assert.Equal(30.5, result.GetProperty("after").GetDouble());
        Assert.NotEqual("Good", result.GetProperty("called").GetString());
    }

    private static void Fill(OpcUaHost host)
    {
        var registry = (MemoryRegistry)host.Services.GetRequiredService<IDeviceRegistry>();
        var latest = (MemoryLatest)host.Services.GetRequiredService<ITelemetryReader>();
        foreach (var (tenant, device, value) in ((string, string, double)[])[("acme", "press-1", 21.5), ("globex", "only-globex", 1)])
        {
            registry.Add(TenantId.Parse(tenant), new Device { Id = DeviceId.Parse(device) });
            latest.Add(
                TenantId.Parse(tenant),
                DeviceId.Parse(device),
                new TelemetryPoint("temp", TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(-1), TelemetryValue.Of(value), default)
            );
        }
    }
}
