using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;
using static Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace.SpaceWorld;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>Clients keep ids with the index of their namespace.</summary>
public sealed class NamespaceTests
{
    [Fact]
    public async Task Namespaces_have_the_same_indexes_after_a_restart_whoever_comes_first_and_whatever_devices_there_are()
    {
        var first = new SpaceWorld();
        var (acme, globex) = (await NamespacesAsync(first, Acme), await NamespacesAsync(first, Globex));
        var second = new SpaceWorld();
        second.Registry.Remove(Acme, DeviceId.Parse("press-1"));
        second.AddDevice(Acme, "a-device-before-all-others");
        second.Say(Acme, "a-device-before-all-others", "a-metric-before-all-others", TelemetryValue.Of(1.0));
        Assert.Equal(globex, await NamespacesAsync(second, Globex));
        Assert.Equal(acme, await NamespacesAsync(second, Acme));
        Assert.Equal(["http://opcfoundation.org/UA/", "urn:test:server", "urn:insa:iiot:types", "urn:insa:iiot:acme:devices"], acme);
        Assert.Equal(acme[..3], globex[..3]);
        Assert.Equal("urn:insa:iiot:globex:devices", globex[3]);
    }

    [Fact]
    public async Task Namespaces_stay_while_devices_and_metrics_come_and_go()
    {
        var world = new SpaceWorld();
        var before = await NamespacesAsync(world, Acme);
        world.AddDevice(Acme, "robot");
        world.Registry.Remove(Acme, DeviceId.Parse("press-1"));
        await world.Source.ReconcileAsync(world.Spaces.Find(Acme)!, default);
        await world.CommitAsync(Acme, "robot", 1, ("new", 1));
        Assert.Equal(before, await NamespacesAsync(world, Acme));
    }

    [Fact]
    public async Task An_id_from_before_a_restart_is_that_of_the_same_node()
    {
        using var before = new SpaceWorld().Client(Acme);
        var found = await BrowseAsync(before, Id("press-1#Telemetry"));
        using var after = new SpaceWorld().Client(Acme);
        Assert.NotEmpty(found.References!);
        foreach (var reference in found.References!)
        {
            var name = (QualifiedName)
                (await ReadAsync(after, reference.NodeId.NodeId, OpcUa.AddressSpace.AttributeId.BrowseName)).Value.Reference!;
            Assert.Equal(reference.BrowseName, name);
        }
    }

    [Fact]
    public async Task A_namespace_that_is_not_there_has_no_nodes()
    {
        using var client = new SpaceWorld().Client(Acme);
        foreach (var index in (ushort[])[4, 255, 65535])
        {
            Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(client, NodeId.OfString(index, "press-1/temp"))).Status);
            Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(client, NodeId.Of(85, index))).Status);
        }
    }

    private static async Task<string?[]> NamespacesAsync(SpaceWorld world, TenantId tenant)
    {
        using var client = world.Client(tenant);
        var namespaces = (string?[])(await ReadAsync(client, NodeId.Of(NodeIds.Server_NamespaceArray))).Value.Elements!;
        var servers = (string?[])(await ReadAsync(client, NodeId.Of(NodeIds.Server_ServerArray))).Value.Elements!;
        Assert.Equal(namespaces[1], servers[0]);
        return namespaces;
    }
}
