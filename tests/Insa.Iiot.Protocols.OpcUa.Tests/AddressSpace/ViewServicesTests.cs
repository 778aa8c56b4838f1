using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;
using static Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace.SpaceWorld;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

public sealed class ViewServicesTests
{
    private readonly SpaceWorld _world = new();

    [Fact]
    public async Task A_client_browses_from_the_root_to_a_metric()
    {
        using var client = _world.Client(Acme);
        var node = NodeId.Of(NodeIds.RootFolder);
        foreach (var name in (string[])["Objects", "Tenants", "acme", "Devices", "press-1", "Telemetry", "temp"])
        {
            var result = await BrowseAsync(client, node, referenceType: NodeIds.HierarchicalReferences);
            node = result.References!.Single(reference => reference.BrowseName.Name == name).NodeId.NodeId;
        }

        Assert.Equal(Id("press-1/temp"), node);
    }

    [Fact]
    public async Task The_root_has_Objects_Types_and_Views()
    {
        using var client = _world.Client(Acme);
        var result = await BrowseAsync(client, NodeId.Of(NodeIds.RootFolder), referenceType: NodeIds.Organizes);
        Assert.Equal(["Objects", "Types", "Views"], result.References!.Select(reference => reference.BrowseName.Name).Order());
    }

    [Fact]
    public async Task A_device_has_its_identification_status_telemetry_and_methods()
    {
        using var client = _world.Client(Acme);
        var result = await BrowseAsync(client, Id("press-1"));
        Assert.Equal(
            [
                "CancelCommand",
                "DeviceId",
                "DeviceType",
                "GetCommand",
                "Name",
                "NodeVersion",
                "RegisteredAt",
                "SendCommand",
                "SetStatus",
                "Status",
                "Telemetry",
            ],
            result.References!.Select(reference => reference.BrowseName.Name).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task A_device_behind_a_gateway_says_so()
    {
        _world.AddDevice(Acme, "sensor", gateway: "press-1");
        using var client = _world.Client(Acme);
        var result = await BrowseAsync(client, Id("sensor"), referenceType: NodeIds.HasProperty);
        Assert.Contains(result.References!, reference => reference.BrowseName.Name == "Gateway");
        Assert.Equal("press-1", (await ReadAsync(client, Id("sensor#Gateway"))).Value.Text);
    }

    [Fact]
    public async Task Every_computed_node_is_found_by_the_id_that_browsing_tells_and_leads_back()
    {
        using var client = _world.Client(Acme);
        var seen = new HashSet<NodeId>();
        var open = new Queue<NodeId>([Own(1)]);
        while (open.TryDequeue(out var node))
        {
            if (!seen.Add(node))
                continue;
            var forward = await BrowseAsync(client, node);
            Assert.Equal(StatusCodes.Good, forward.StatusCode);
            foreach (var reference in forward.References!)
            {
                var target = reference.NodeId.NodeId;
                Assert.Equal((int)reference.NodeClass, (int)(await ReadAsync(client, target, AttributeId.NodeClass)).Value.Int64);
                Assert.Equal(reference.BrowseName, (await ReadAsync(client, target, AttributeId.BrowseName)).Value.Reference);
                Assert.Equal(target, (await ReadAsync(client, target, AttributeId.NodeId)).Value.Reference);
                if (target.NamespaceIndex != TenantSpace.DevicesNamespace)
                    continue;
                open.Enqueue(target);
                var inverse = await BrowseAsync(client, target, BrowseDirection.Inverse);
                Assert.Contains(
                    inverse.References!,
                    back => back.NodeId.NodeId == node && back.ReferenceTypeId == reference.ReferenceTypeId
                );
            }
        }

        Assert.Contains(Id("press-1#EngineeringUnits/temp"), seen);
        Assert.Contains(Id("press-1#EnumValues"), seen);
    }

    [Fact]
    public async Task A_metric_is_of_the_type_that_what_is_known_of_it_allows()
    {
        using var client = _world.Client(Acme);
        Assert.Equal(NodeIds.AnalogUnitType, await TypeOfAsync("temp"));
        Assert.Equal(NodeIds.AnalogItemType, await TypeOfAsync("level"));
        Assert.Equal(NodeIds.DataItemType, await TypeOfAsync("mode"));

        async Task<uint> TypeOfAsync(string metric)
        {
            var result = await BrowseAsync(client, Id("press-1/" + metric), referenceType: NodeIds.HasTypeDefinition);
            return Assert.Single(result.References!).NodeId.NodeId.Numeric;
        }
    }

    [Fact]
    public async Task References_can_be_asked_for_by_direction_type_and_class()
    {
        using var client = _world.Client(Acme);
        var inverse = await BrowseAsync(client, Id("press-1"), BrowseDirection.Inverse);
        Assert.Equal(NodeId.Of(3, 3), Assert.Single(inverse.References!).NodeId.NodeId);
        Assert.False(inverse.References![0].IsForward);

        var both = await BrowseAsync(client, Id("press-1"), BrowseDirection.Both);
        Assert.Equal(12, both.References!.Length);

        var exact = await BrowseAsync(client, Id("press-1"), referenceType: NodeIds.HierarchicalReferences, subtypes: false);
        Assert.Empty(exact.References!);

        var grandparent = await BrowseAsync(client, Id("press-1"), referenceType: NodeIds.Aggregates);
        Assert.Equal(10, grandparent.References!.Length);

        var methods = await BrowseAsync(client, Id("press-1"), classes: (uint)NodeClass.Method);
        Assert.All(methods.References!, reference => Assert.Equal(NodeClass.Method, reference.NodeClass));
        Assert.Equal(4, methods.References!.Length);
    }

    [Fact]
    public async Task Only_the_fields_of_the_result_mask_are_told()
    {
        using var client = _world.Client(Acme);
        var result = await BrowseAsync(client, Id("press-1"), referenceType: NodeIds.HasProperty, results: 8);
        Assert.All(
            result.References!,
            reference =>
            {
                Assert.NotNull(reference.BrowseName.Name);
                Assert.True(reference.ReferenceTypeId.IsNull);
                Assert.False(reference.IsForward);
                Assert.Null(reference.DisplayName.Text);
                Assert.Equal(NodeClass.Unspecified, reference.NodeClass);
                Assert.True(reference.TypeDefinition.NodeId.IsNull);
            }
        );
    }

    [Fact]
    public async Task A_type_definition_is_told_of_objects_and_variables_only()
    {
        using var client = _world.Client(Acme);
        var result = await BrowseAsync(client, Own(10));
        Assert.All(
            result.References!,
            reference =>
                Assert.Equal(reference.NodeClass is NodeClass.Object or NodeClass.Variable, !reference.TypeDefinition.NodeId.IsNull)
        );
    }

    [Fact]
    public async Task What_cannot_be_browsed_says_why()
    {
        using var client = _world.Client(Acme);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await BrowseAsync(client, Id("nothing"))).StatusCode);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await BrowseAsync(client, NodeId.Of(1, 77))).StatusCode);
        Assert.Equal(StatusCodes.BadNodeIdInvalid, (await BrowseAsync(client, default)).StatusCode);
        Assert.Equal(StatusCodes.BadBrowseDirectionInvalid, (await BrowseAsync(client, Id("press-1"), BrowseDirection.Invalid)).StatusCode);
        Assert.Equal(
            StatusCodes.BadReferenceTypeIdInvalid,
            (await BrowseAsync(client, Id("press-1"), referenceType: NodeIds.Server)).StatusCode
        );
        Assert.Equal(StatusCodes.BadReferenceTypeIdInvalid, (await BrowseAsync(client, Id("press-1"), referenceType: 99_999)).StatusCode);
    }

    [Fact]
    public async Task A_call_without_nodes_with_too_many_or_of_a_view_is_refused()
    {
        using var client = _world.Client(Acme);
        var node = new BrowseDescription { NodeId = Id("press-1") };
        Assert.Equal(StatusCodes.BadNothingToDo, await client.FaultAsync(Request([])));
        Assert.Equal(StatusCodes.BadNothingToDo, await client.FaultAsync(Request(null)));
        Assert.Equal(StatusCodes.BadTooManyOperations, await client.FaultAsync(Request(Enumerable.Repeat(node, 1001).ToArray())));
        Assert.Equal(StatusCodes.BadViewIdUnknown, await client.FaultAsync(Request([node], NodeId.Of(NodeIds.ViewsFolder))));

        static BrowseRequest Request(BrowseDescription[]? nodes, NodeId view = default) =>
            new()
            {
                RequestHeader = new RequestHeader(),
                View = new ViewDescription { ViewId = view },
                NodesToBrowse = nodes,
            };
    }

    [Fact]
    public async Task What_does_not_fit_comes_by_continuation_points_each_reference_once()
    {
        using var client = _world.Client(Acme);
        var all = (await BrowseAsync(client, Id("press-1"))).References!;
        var result = await BrowseAsync(client, Id("press-1"), most: 3);
        var pieces = new List<ReferenceDescription>(result.References!);
        while (result.ContinuationPoint is { } point)
        {
            Assert.Equal(3, result.References!.Length);
            result = Assert.Single((await NextAsync(client, false, point)).Results!);
            Assert.Equal(StatusCodes.Good, result.StatusCode);
            pieces.AddRange(result.References!);
        }

        Assert.Equal(all.Select(reference => reference.NodeId), pieces.Select(reference => reference.NodeId));
    }

    [Fact]
    public async Task Devices_come_by_continuation_points_while_others_come_and_go()
    {
        for (var i = 0; i < 50; i++)
            _world.AddDevice(Acme, $"robot-{i:00}");
        using var client = _world.Client(Acme);
        var result = await BrowseAsync(client, NodeId.Of(3, 3), referenceType: NodeIds.Organizes, most: 20);
        var names = result.References!.Select(reference => reference.BrowseName.Name).ToList();
        _world.Registry.Remove(Acme, DeviceId.Parse(names[^1]!));
        _world.AddDevice(Acme, "a-new-one");
        await _world.Source.ReconcileAsync(_world.Spaces.Find(Acme)!, default);
        while (result.ContinuationPoint is { } point)
        {
            result = Assert.Single((await NextAsync(client, false, point)).Results!);
            names.AddRange(result.References!.Select(reference => reference.BrowseName.Name));
        }

        Assert.Equal(53, names.Count);
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Equal(names.Count, names.Distinct().Count());
    }

    [Fact]
    public async Task A_continuation_point_is_used_once_released_or_unknown_to_other_sessions()
    {
        using var client = _world.Client(Acme);
        using var other = _world.Client(Acme);
        await BrowseAsync(other, Id("press-1"));
        var point = (await BrowseAsync(client, Id("press-1"), most: 1)).ContinuationPoint!;
        Assert.Equal(StatusCodes.BadContinuationPointInvalid, (await NextAsync(other, false, point)).Results![0].StatusCode);
        Assert.Equal(StatusCodes.Good, (await NextAsync(client, false, point)).Results![0].StatusCode);
        Assert.Equal(StatusCodes.BadContinuationPointInvalid, (await NextAsync(client, false, point)).Results![0].StatusCode);

        point = (await BrowseAsync(client, Id("press-1"), most: 1)).ContinuationPoint!;
        var released = (await NextAsync(client, true, point)).Results![0];
        Assert.Equal(StatusCodes.Good, released.StatusCode);
        Assert.Null(released.References);
        Assert.Null(released.ContinuationPoint);
        Assert.Equal(StatusCodes.BadContinuationPointInvalid, (await NextAsync(client, false, point)).Results![0].StatusCode);
        Assert.Equal(StatusCodes.BadContinuationPointInvalid, (await NextAsync(client, false, Array.Empty<byte>())).Results![0].StatusCode);
        Assert.Equal(StatusCodes.BadContinuationPointInvalid, (await NextAsync(client, false, new byte[16])).Results![0].StatusCode);
    }

    [Fact]
    public async Task A_session_has_at_least_five_continuation_points_and_new_requests_take_the_place_of_old_ones()
    {
        using var client = _world.Client(Acme);
        var points = new List<byte[]>();
        for (var i = 0; i < 20; i++)
            points.Add((await BrowseAsync(client, Id("press-1"), most: 1)).ContinuationPoint!);
        var results = (await NextAsync(client, false, [.. points])).Results!;
        Assert.All(results, result => Assert.Equal(StatusCodes.Good, result.StatusCode));

        // All at once, of one request: the last ones find no room.
        var request = new BrowseRequest
        {
            RequestHeader = new RequestHeader(),
            View = new ViewDescription(),
            RequestedMaxReferencesPerNode = 1,
            NodesToBrowse = Enumerable.Repeat(new BrowseDescription { NodeId = Id("press-1"), ResultMask = 63 }, 30).ToArray(),
        };
        using var fresh = _world.Client(Acme);
        var statuses = (await fresh.CallAsync<BrowseResponse>(request)).Results!.Select(result => result.StatusCode).ToList();
        Assert.Equal(20, statuses.Count(status => status.IsGood));
        Assert.Equal(10, statuses.Count(status => status == StatusCodes.BadNoContinuationPoints));
    }

    [Fact]
    public async Task Registered_nodes_keep_their_ids_whether_they_exist_or_not()
    {
        using var client = _world.Client(Acme);
        NodeId[] ids = [Id("press-1/temp"), Id("nothing/at-all"), Id("press-1/temp"), NodeId.Of(NodeIds.Server)];
        var response = await client.CallAsync<RegisterNodesResponse>(
            new RegisterNodesRequest { RequestHeader = new RequestHeader(), NodesToRegister = ids }
        );
        Assert.Equal(ids, response.RegisteredNodeIds);
        await client.CallAsync<UnregisterNodesResponse>(
            new UnregisterNodesRequest { RequestHeader = new RequestHeader(), NodesToUnregister = [.. ids, Id("never-registered")] }
        );
    }

    [Fact]
    public async Task Registering_nothing_or_an_id_that_is_none_is_refused()
    {
        using var client = _world.Client(Acme);
        Assert.Equal(
            StatusCodes.BadNothingToDo,
            await client.FaultAsync(new RegisterNodesRequest { RequestHeader = new RequestHeader(), NodesToRegister = [] })
        );
        Assert.Equal(
            StatusCodes.BadNodeIdInvalid,
            await client.FaultAsync(
                new RegisterNodesRequest { RequestHeader = new RequestHeader(), NodesToRegister = [Id("press-1"), default] }
            )
        );
        Assert.Equal(
            StatusCodes.BadNothingToDo,
            await client.FaultAsync(new UnregisterNodesRequest { RequestHeader = new RequestHeader(), NodesToUnregister = [] })
        );
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(25)]
    [InlineData(100)]
    [InlineData(500)]
    public async Task Any_number_of_nodes_is_registered_in_their_order(int count)
    {
        using var client = _world.Client(Acme);
        NodeId[] ids = [.. Enumerable.Range(0, count).Select(i => i % 3 == 0 ? Id("press-1/temp") : Id($"nothing/{i}"))];
        var response = await client.CallAsync<RegisterNodesResponse>(
            new RegisterNodesRequest { RequestHeader = new RequestHeader(), NodesToRegister = ids }
        );
        Assert.Equal(ids, response.RegisteredNodeIds);
        for (var i = 0; i < 2; i++)
        {
            var unregistered = await client.CallAsync<UnregisterNodesResponse>(
                new UnregisterNodesRequest { RequestHeader = new RequestHeader(), NodesToUnregister = ids }
            );
            Assert.Equal(StatusCodes.Good, unregistered.ResponseHeader.ServiceResult);
        }

        Assert.Equal(StatusCodes.Good, (await ReadAsync(client, ids[0])).Status);
    }

    [Fact]
    public async Task More_nodes_than_may_be_are_not_registered()
    {
        using var client = _world.Client(Acme);
        var ids = Enumerable.Repeat(Id("press-1/temp"), OperationLimits.NodesPerRegister + 1).ToArray();
        Assert.Equal(
            StatusCodes.BadTooManyOperations,
            await client.FaultAsync(new RegisterNodesRequest { RequestHeader = new RequestHeader(), NodesToRegister = ids })
        );
        Assert.Equal(
            StatusCodes.BadTooManyOperations,
            await client.FaultAsync(new UnregisterNodesRequest { RequestHeader = new RequestHeader(), NodesToUnregister = ids })
        );
    }

    private static Task<BrowseNextResponse> NextAsync(OpcUa.Tests.Server.ServiceCaller client, bool release, params byte[][] points) =>
        client.CallAsync<BrowseNextResponse>(
            new BrowseNextRequest
            {
                RequestHeader = new RequestHeader(),
                ReleaseContinuationPoints = release,
                ContinuationPoints = points,
            }
        );
}
