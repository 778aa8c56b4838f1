using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;
using static Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace.SpaceWorld;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

public sealed class ReadServiceTests
{
    private static readonly long _now = UaDateTime.FromTicks(Now.Ticks);

    private readonly SpaceWorld _world = new();

    [Theory]
    [InlineData(TimestampsToReturn.Source, true, false)]
    [InlineData(TimestampsToReturn.Server, false, true)]
    [InlineData(TimestampsToReturn.Both, true, true)]
    [InlineData(TimestampsToReturn.Neither, false, false)]
    internal async Task A_value_comes_with_the_timestamps_that_are_asked_for(TimestampsToReturn timestamps, bool hasSource, bool hasServer)
    {
        using var client = _world.Client(Acme);
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        var response = await client.CallAsync<ReadResponse>(
            new ReadRequest
            {
                RequestHeader = new RequestHeader(),
                TimestampsToReturn = timestamps,
                NodesToRead =
                [
                    new ReadValueId { NodeId = Id("press-1/temp"), AttributeId = (uint)AttributeId.Value },
                    new ReadValueId { NodeId = Id("press-1#DeviceId"), AttributeId = (uint)AttributeId.Value },
                    new ReadValueId { NodeId = Id("press-1/temp"), AttributeId = (uint)AttributeId.BrowseName },
                ],
            }
        );
        var later = UaDateTime.FromTicks(Now.AddSeconds(1).Ticks);
        Assert.Equal(new DataValue(Variant.Of(21.5), default, hasSource ? _now : 0, hasServer ? later : 0), response.Results![0]);
        Assert.Equal(
            (hasSource ? later : 0, hasServer ? later : 0),
            (response.Results[1].SourceTimestamp, response.Results[1].ServerTimestamp)
        );
        Assert.Equal((0, hasServer ? later : 0), (response.Results[2].SourceTimestamp, response.Results[2].ServerTimestamp));
        Assert.Null(response.DiagnosticInfos);
    }

    [Fact]
    public async Task Values_of_each_kind_are_of_the_type_that_their_node_says()
    {
        using var client = _world.Client(Acme);
        await CheckAsync("temp", Variant.Of(21.5), NodeIds.Double);
        await CheckAsync("count", Variant.Of(7L), NodeIds.Int64);
        await CheckAsync("running", Variant.Of(true), NodeIds.Boolean);
        await CheckAsync("mode", Variant.Of("automatic"), NodeIds.String);

        async Task CheckAsync(string metric, Variant value, uint type)
        {
            Assert.Equal(value, (await ReadAsync(client, Id("press-1/" + metric))).Value);
            Assert.Equal(NodeId.Of(type), (await ReadAsync(client, Id("press-1/" + metric), AttributeId.DataType)).Value.Reference);
            Assert.Equal(-1, (await ReadAsync(client, Id("press-1/" + metric), AttributeId.ValueRank)).Value.Int64);
        }
    }

    [Theory]
    [InlineData(TelemetryQuality.Good, 0u)]
    [InlineData(TelemetryQuality.Good | TelemetryQuality.Substituted, 0x0096_0000u)]
    [InlineData(TelemetryQuality.Uncertain, 0x4000_0000u)]
    [InlineData(TelemetryQuality.Uncertain | TelemetryQuality.Substituted, 0x4091_0000u)]
    [InlineData(TelemetryQuality.Bad, 0x8000_0000u)]
    [InlineData(TelemetryQuality.Good | TelemetryQuality.Late, 0u)]
    public async Task Quality_is_a_status_code(TelemetryQuality quality, uint status)
    {
        _world.Say(Acme, "press-2", "p", TelemetryValue.Of(1.0), quality);
        using var client = _world.Client(Acme);
        var value = await ReadAsync(client, Id("press-2/p"));
        Assert.Equal(new StatusCode(status), value.Status);
        Assert.Equal(Variant.Of(1.0), value.Value);
    }

    [Fact]
    public async Task Every_attribute_that_a_node_of_its_class_must_have_is_there()
    {
        AttributeId[] all = [AttributeId.NodeId, AttributeId.NodeClass, AttributeId.BrowseName, AttributeId.DisplayName];
        AttributeId[] ofVariable =
        [
            AttributeId.Value,
            AttributeId.DataType,
            AttributeId.ValueRank,
            AttributeId.AccessLevel,
            AttributeId.UserAccessLevel,
            AttributeId.Historizing,
        ];
        using var client = _world.Client(Acme);
        var nodes = StandardNodes.Shared;
        for (var index = 0; index < nodes.Count; index++)
        {
            var must = nodes[index].Class switch
            {
                NodeClass.Variable => all.Concat(ofVariable),
                NodeClass.Object => all.Append(AttributeId.EventNotifier),
                NodeClass.Method => all.Concat([AttributeId.Executable, AttributeId.UserExecutable]),
                NodeClass.ReferenceType => all.Concat([AttributeId.IsAbstract, AttributeId.Symmetric]),
                NodeClass.VariableType => all.Concat([AttributeId.IsAbstract, AttributeId.DataType, AttributeId.ValueRank]),
                _ => all.Append(AttributeId.IsAbstract),
            };
            foreach (var attribute in must)
            {
                var value = await ReadAsync(client, NodeId.Of(nodes[index].Id, nodes[index].Namespace), attribute);
                Assert.True(value.Status.IsGood, $"i={nodes[index].Id} {attribute} {value.Status}");
            }
        }
    }

    [Fact]
    public async Task An_attribute_that_the_node_lacks_is_invalid_and_the_others_are_read()
    {
        using var client = _world.Client(Acme);
        for (uint attribute = 1; attribute <= 28; attribute++)
        {
            var value = await ReadAsync(client, Id("press-1"), (AttributeId)attribute);
            var isThere =
                (AttributeId)attribute
                is AttributeId.NodeId
                    or AttributeId.NodeClass
                    or AttributeId.BrowseName
                    or AttributeId.DisplayName
                    or AttributeId.WriteMask
                    or AttributeId.UserWriteMask
                    or AttributeId.EventNotifier;
            Assert.Equal(isThere ? StatusCodes.Good : StatusCodes.BadAttributeIdInvalid, value.Status);
        }
    }

    [Fact]
    public async Task Access_levels_say_what_the_session_may_do()
    {
        using var user = _world.Client(Acme);
        using var reader = _world.Client(Acme, User(Acme, "devices:read", "telemetry:read"));
        var all = Variant.Of((byte)(0x01 | 0x02 | 0x04 | 0x20 | 0x40));
        Assert.Equal(all, (await ReadAsync(user, Id("press-1/temp"), AttributeId.AccessLevel)).Value);
        Assert.Equal(all, (await ReadAsync(user, Id("press-1/temp"), AttributeId.UserAccessLevel)).Value);
        Assert.Equal(all, (await ReadAsync(reader, Id("press-1/temp"), AttributeId.AccessLevel)).Value);
        Assert.Equal(Variant.Of((byte)0x05), (await ReadAsync(reader, Id("press-1/temp"), AttributeId.UserAccessLevel)).Value);
        Assert.Equal(Variant.Of((byte)0x01), (await ReadAsync(user, Id("press-1#DeviceId"), AttributeId.AccessLevel)).Value);
        Assert.Equal(Variant.Of(true), (await ReadAsync(user, Id("press-1/temp"), AttributeId.Historizing)).Value);
        Assert.Equal(Variant.Of(false), (await ReadAsync(user, Id("press-1#DeviceId"), AttributeId.Historizing)).Value);
    }

    [Fact]
    public async Task What_a_user_may_not_do_is_denied()
    {
        using var client = _world.Client(Acme, User(Acme, "devices:read"));
        Assert.Equal(StatusCodes.BadUserAccessDenied, (await ReadAsync(client, Id("press-1/temp"))).Status);
        Assert.Equal(StatusCodes.Good, (await ReadAsync(client, Id("press-1/temp"), AttributeId.DisplayName)).Status);
        using var nobody = _world.Client(Acme, User(Acme));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(nobody, Id("press-1/temp"))).Status);
        Assert.Equal(StatusCodes.Good, (await ReadAsync(nobody, NodeId.Of(NodeIds.Server_ServerStatus_State))).Status);
    }

    [Fact]
    public async Task A_device_sees_itself_and_a_gateway_its_devices_too()
    {
        using var device = _world.Device(Acme, "press-1");
        using var gateway = _world.Device(Acme, "press-2", "press-1");
        Assert.Equal(StatusCodes.Good, (await ReadAsync(device, Id("press-1/temp"))).Status);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(device, Id("only-acme/temp"))).Status);
        Assert.Equal(StatusCodes.Good, (await ReadAsync(gateway, Id("press-1/temp"))).Status);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(gateway, Id("only-acme/temp"))).Status);
        var seen = await BrowseAsync(device, NodeId.Of(3, 3), referenceType: NodeIds.Organizes);
        Assert.Equal("press-1", Assert.Single(seen.References!).BrowseName.Name);
    }

    [Fact]
    public async Task A_node_that_is_not_there_is_unknown_and_an_id_that_could_be_none_invalid()
    {
        using var client = _world.Client(Acme);
        foreach (
            var id in (NodeId[])
                [
                    Id("press-9/temp"),
                    Id("press-1/nothing"),
                    Id("press-1#Nothing"),
                    Id("press-1#EURange/mode"),
                    Id("#"),
                    Id("/"),
                    Id("press-1#Gateway"),
                    NodeId.Of(424_242),
                    NodeId.Of(1, 9),
                    NodeId.Of(10, 3),
                    NodeId.OfGuid(3, Guid.NewGuid()),
                    NodeId.OfOpaque(3, [1]),
                ]
        )
            Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(client, id)).Status);
        foreach (var id in (NodeId[])[default, NodeId.OfString(3, ""), NodeId.OfOpaque(3, [])])
            Assert.Equal(StatusCodes.BadNodeIdInvalid, (await ReadAsync(client, id)).Status);
    }

    [Fact]
    public async Task A_part_of_an_array_or_a_text_is_read_by_an_index_range()
    {
        using var client = _world.Client(Acme);
        var whole = (string?[])(await ReadAsync(client, NodeId.Of(NodeIds.Server_NamespaceArray))).Value.Elements!;
        Assert.Equal(
            [whole[1]],
            (string?[])(await ReadAsync(client, NodeId.Of(NodeIds.Server_NamespaceArray), range: "1")).Value.Elements!
        );
        Assert.Equal(
            whole[1..4],
            (string?[])(await ReadAsync(client, NodeId.Of(NodeIds.Server_NamespaceArray), range: "1:3")).Value.Elements!
        );
        Assert.Equal(
            whole[2..],
            (string?[])(await ReadAsync(client, NodeId.Of(NodeIds.Server_NamespaceArray), range: "2:99")).Value.Elements!
        );
        Assert.Equal("auto", (await ReadAsync(client, Id("press-1/mode"), range: "0:3")).Value.Text);
    }

    [Theory]
    [InlineData("7", 0x8037_0000u)]
    [InlineData("4:5", 0x8037_0000u)]
    [InlineData("-1", 0x8036_0000u)]
    [InlineData("2:1", 0x8036_0000u)]
    [InlineData("1:1", 0x8036_0000u)]
    [InlineData("a", 0x8036_0000u)]
    [InlineData("1:", 0x8036_0000u)]
    [InlineData(":2", 0x8036_0000u)]
    [InlineData("1,", 0x8036_0000u)]
    public async Task An_index_range_that_is_none_or_has_nothing_says_so(string range, uint status)
    {
        using var client = _world.Client(Acme);
        Assert.Equal(new StatusCode(status), (await ReadAsync(client, NodeId.Of(NodeIds.Server_NamespaceArray), range: range)).Status);
    }

    [Fact]
    public async Task An_index_range_of_what_has_no_parts_has_no_data()
    {
        using var client = _world.Client(Acme);
        Assert.Equal(StatusCodes.BadIndexRangeNoData, (await ReadAsync(client, Id("press-1/temp"), range: "0")).Status);
        Assert.Equal(StatusCodes.BadIndexRangeNoData, (await ReadAsync(client, Id("press-1/temp"), AttributeId.NodeClass, "0")).Status);
    }

    [Theory]
    [InlineData("Default Binary", 0, 13u, 0u)]
    [InlineData("Default XML", 0, 13u, 0x8039_0000u)]
    [InlineData("modbus", 0, 13u, 0x8038_0000u)]
    [InlineData("Default Binary", 9, 13u, 0x8038_0000u)]
    [InlineData("Default Binary", 0, 3u, 0x8038_0000u)]
    public async Task Only_values_are_encoded_and_only_in_binary(string encoding, int ns, uint attribute, uint status)
    {
        using var client = _world.Client(Acme);
        var response = await client.CallAsync<ReadResponse>(
            new ReadRequest
            {
                RequestHeader = new RequestHeader(),
                NodesToRead =
                [
                    new ReadValueId
                    {
                        NodeId = NodeId.Of(NodeIds.Server_ServerStatus),
                        AttributeId = attribute,
                        DataEncoding = new QualifiedName((ushort)ns, encoding),
                    },
                ],
            }
        );
        Assert.Equal(new StatusCode(status), response.Results![0].Status);
    }

    [Fact]
    public async Task A_call_that_makes_no_sense_is_refused_as_a_whole()
    {
        using var client = _world.Client(Acme);
        var node = new ReadValueId { NodeId = Id("press-1/temp"), AttributeId = 13 };
        Assert.Equal(StatusCodes.BadNothingToDo, await client.FaultAsync(Request([])));
        Assert.Equal(StatusCodes.BadTooManyOperations, await client.FaultAsync(Request(Enumerable.Repeat(node, 10_001).ToArray())));
        Assert.Equal(StatusCodes.BadMaxAgeInvalid, await client.FaultAsync(Request([node], maxAge: -1)));
        Assert.Equal(StatusCodes.BadMaxAgeInvalid, await client.FaultAsync(Request([node], maxAge: double.NaN)));
        Assert.Equal(
            StatusCodes.BadTimestampsToReturnInvalid,
            await client.FaultAsync(Request([node], timestamps: TimestampsToReturn.Invalid))
        );
        Assert.Equal(
            StatusCodes.BadTimestampsToReturnInvalid,
            await client.FaultAsync(Request([node], timestamps: (TimestampsToReturn)(-1)))
        );
        var response = await client.CallAsync<ReadResponse>(Request([node, node], maxAge: 3e9));
        Assert.Equal(response.Results![0], response.Results[1]);

        static ReadRequest Request(ReadValueId[] nodes, double maxAge = 0, TimestampsToReturn timestamps = TimestampsToReturn.Both) =>
            new()
            {
                RequestHeader = new RequestHeader(),
                MaxAge = maxAge,
                TimestampsToReturn = timestamps,
                NodesToRead = nodes,
            };
    }

    [Fact]
    public async Task The_server_object_says_how_it_is_and_what_it_takes()
    {
        using var client = _world.Client(Acme);
        Assert.Equal(
            ["http://opcfoundation.org/UA/", "urn:test:server", "urn:insa:iiot:types", "urn:insa:iiot:acme:devices"],
            (string?[])(await ReadAsync(client, NodeId.Of(NodeIds.Server_NamespaceArray))).Value.Elements!
        );
        Assert.Equal(["urn:test:server"], (string?[])(await ReadAsync(client, NodeId.Of(NodeIds.Server_ServerArray))).Value.Elements!);
        Assert.Equal(Variant.Of(0), (await ReadAsync(client, NodeId.Of(NodeIds.Server_ServerStatus_State))).Value);
        Assert.Equal(Variant.Of((byte)255), (await ReadAsync(client, NodeId.Of(NodeIds.Server_ServiceLevel))).Value);
        _world.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(
            Variant.OfDateTime(UaDateTime.FromTicks(Now.AddMinutes(1).Ticks)),
            (await ReadAsync(client, NodeId.Of(NodeIds.Server_ServerStatus_CurrentTime))).Value
        );
        var status = (ExtensionObject)(await ReadAsync(client, NodeId.Of(NodeIds.Server_ServerStatus))).Value.Reference!;
        Assert.True(status.TryGet<ServerStatusDataType>(EncodingLimits.Default, out var decoded));
        Assert.Equal((_now, "1.2.3"), (decoded.StartTime, decoded.BuildInfo.SoftwareVersion));
        foreach (var limit in (uint[])[11705, 11707, 11709, 11710, 11711, 11712, 11714, 12165, 2735, 11702, 11703, 12911])
            Assert.True((await ReadAsync(client, NodeId.Of(limit))).Value.UInt64 > 0);
    }

    [Fact]
    public async Task Units_ranges_and_status_of_devices_are_told()
    {
        using var client = _world.Client(Acme);
        var unit = (ExtensionObject)(await ReadAsync(client, Id("press-1#EngineeringUnits/temp"))).Value.Reference!;
        Assert.True(unit.TryGet<EUInformation>(EncodingLimits.Default, out var celsius));
        Assert.Equal("°C", celsius.DisplayName.Text);
        var range = (ExtensionObject)(await ReadAsync(client, Id("press-1#EURange/level"))).Value.Reference!;
        Assert.True(range.TryGet<UaRange>(EncodingLimits.Default, out var levels));
        Assert.Equal((0, 10), (levels.Low, levels.High));
        Assert.Equal(Variant.Of(0), (await ReadAsync(client, Id("press-1#Status"))).Value);
        Assert.Equal("Enabled", ((LocalizedText)(await ReadAsync(client, Id("press-1#ValueAsText"))).Value.Reference!).Text);
        Assert.Equal(2, (await ReadAsync(client, Id("press-1#EnumValues"))).Value.Length);
    }

    [Fact]
    public async Task Reading_values_of_telemetry_allocates_nothing_per_value()
    {
        using var client = _world.Client(Acme);
        var request = new ReadRequest
        {
            RequestHeader = new RequestHeader(),
            TimestampsToReturn = TimestampsToReturn.Both,
            NodesToRead = Enumerable.Repeat(new ReadValueId { NodeId = Id("press-1/temp"), AttributeId = 13 }, 1000).ToArray(),
        };
        await client.SendAsync(request);
        var small = await CostAsync(1);
        var large = await CostAsync(1000);

        // What the caller of this test makes of requests and responses is more for more values; the rest is not.
        Assert.InRange(large - small, 0, (1000 * 96) + 4096);

        async Task<long> CostAsync(int count)
        {
            var part = new ReadRequest
            {
                RequestHeader = new RequestHeader(),
                TimestampsToReturn = TimestampsToReturn.Both,
                NodesToRead = request.NodesToRead[..count],
            };
            await client.SendAsync(part);
            var before = GC.GetAllocatedBytesForCurrentThread();
            await client.SendAsync(part);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Fact]
    public async Task A_session_whose_store_cannot_be_reached_is_told_so_and_tries_again()
    {
        _world.Latest.Failure = new TelemetryStoreException("down", isTransient: true);
        using var client = _world.Client(Acme);
        var request = new ReadRequest
        {
            RequestHeader = new RequestHeader(),
            NodesToRead = [new ReadValueId { NodeId = Id("press-1/temp"), AttributeId = 13 }],
        };
        Assert.Equal(StatusCodes.BadResourceUnavailable, await client.FaultAsync(request));
        _world.Latest.Failure = null;
        Assert.Equal(StatusCodes.Good, (await ReadAsync(client, Id("press-1/temp"))).Status);
    }
}
