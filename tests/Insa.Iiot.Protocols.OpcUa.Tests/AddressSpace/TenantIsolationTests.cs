using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Tests.Server;
using Insa.Iiot.Protocols.OpcUa.Types;
using static Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace.SpaceWorld;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>Two tenants with devices of the same names: each sees its own, and nothing of the other.</summary>
public sealed class TenantIsolationTests
{
    private readonly SpaceWorld _world = new();

    [Fact]
    public async Task The_same_id_is_each_tenants_own_device()
    {
        using var acme = _world.Client(Acme);
        using var globex = _world.Client(Globex);
        Assert.Equal(Variant.Of(21.5), (await ReadAsync(acme, Id("press-1/temp"))).Value);
        Assert.Equal(Variant.Of(77.0), (await ReadAsync(globex, Id("press-1/temp"))).Value);
    }

    [Fact]
    public async Task Browsing_from_the_root_finds_nothing_of_another_tenant()
    {
        using var globex = _world.Client(Globex);
        var seen = new HashSet<NodeId>();
        var open = new Queue<NodeId>([NodeId.Of(NodeIds.RootFolder)]);
        while (open.TryDequeue(out var node))
        {
            if (!seen.Add(node))
                continue;
            foreach (var reference in (await BrowseAsync(globex, node, BrowseDirection.Both)).References!)
            {
                Assert.DoesNotContain("acme", reference.BrowseName.Name, StringComparison.Ordinal);
                Assert.DoesNotContain("acme", reference.NodeId.NodeId.ToString(), StringComparison.Ordinal);
                open.Enqueue(reference.NodeId.NodeId);
            }
        }

        Assert.Contains(Id("press-1/temp"), seen);
        var namespaces = (string?[])(await ReadAsync(globex, NodeId.Of(NodeIds.Server_NamespaceArray))).Value.Elements!;
        Assert.DoesNotContain(namespaces, uri => uri!.Contains("acme", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_guessed_id_of_another_tenant_is_unknown_to_every_service()
    {
        using var globex = _world.Client(Globex);
        var session = ServiceCaller.Session(User(Globex, AllPermissions));
        await _world.Sessions.AcquireAsync(session, default);
        foreach (var id in (NodeId[])[Id("only-acme"), Id("only-acme/temp"), Id("only-acme#Telemetry"), Id("only-acme#EURange/temp")])
        {
            Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(globex, id)).Status);
            Assert.Equal(StatusCodes.BadNodeIdUnknown, (await BrowseAsync(globex, id)).StatusCode);
            Assert.Equal(StatusCodes.BadNodeIdUnknown, await WriteAsync(globex, id, new DataValue(Variant.Of(1.0))));
            Assert.Equal(StatusCodes.BadNodeIdUnknown, (await CallAsync(globex, id, Own(30), Variant.Of("x"))).StatusCode);
            Assert.Equal(StatusCodes.BadNodeIdUnknown, _world.Monitored.Find(session, id.AsView(), 13, out _));
            Assert.Equal(StatusCodes.BadNodeIdUnknown, new HistoryNodes(_world.Sessions).Find(session, id.AsView(), false, out _));
        }

        Assert.Empty(_world.Ingress.Taken);
        Assert.Empty(_world.Commands.Sent);
    }

    [Fact]
    public async Task What_one_tenant_writes_and_calls_is_its_own()
    {
        using var globex = _world.Client(Globex);
        using var acme = _world.Client(Acme);
        Assert.Equal(StatusCodes.Good, await WriteAsync(globex, Id("press-1/temp"), new DataValue(Variant.Of(-1.0))));
        Assert.Equal(StatusCodes.Good, (await CallAsync(globex, Id("press-1"), Own(30), Variant.Of("x"))).StatusCode);
        Assert.Equal(Globex, Assert.Single(_world.Ingress.Taken).Session.Tenant);
        Assert.Equal(Globex, Assert.Single(_world.Commands.Sent).Tenant);
        Assert.Equal(Variant.Of(21.5), (await ReadAsync(acme, Id("press-1/temp"))).Value);
        Assert.Equal(Variant.Of(-1.0), (await ReadAsync(globex, Id("press-1/temp"))).Value);
    }

    [Fact]
    public async Task Committed_values_reach_their_own_tenants_watchers_only()
    {
        var (acme, globex) = (new ListedValues(), new ListedValues());
        foreach (var (tenant, values) in ((TenantId, ListedValues)[])[(Acme, acme), (Globex, globex)])
        {
            var session = ServiceCaller.Session(User(tenant, AllPermissions));
            await _world.Sessions.AcquireAsync(session, default);
            Assert.Equal(StatusCodes.Good, _world.Monitored.Find(session, Id("press-1/temp").AsView(), 13, out var attribute));
            _world.Monitored.Watch(attribute, values);
        }

        await _world.CommitAsync(Globex, "press-1", 1, ("temp", 5));
        Assert.Empty(acme.Values);
        Assert.Equal(Variant.Of(5.0), Assert.Single(globex.Values).Value);
    }
}
