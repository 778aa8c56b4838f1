using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

public sealed class StandardNodesTests
{
    private static StandardNodes Nodes => StandardNodes.Shared;

    [Fact]
    public void There_are_the_nodes_that_clients_look_for_when_they_connect()
    {
        // What the .NET, milo and UaExpert clients read or browse first.
        uint[] ids =
        [
            84,
            85,
            86,
            87,
            88,
            89,
            90,
            91,
            92,
            93,
            2253,
            2254,
            2255,
            2256,
            2259,
            2267,
            2268,
            2269,
            2271,
            2272,
            2735,
            2736,
            2737,
            2992,
            2994,
            2996,
            2997,
            3048,
            3709,
            11192,
            11492,
            11702,
            11703,
            11704,
            11705,
            11707,
            11709,
            11710,
            11711,
            11712,
            11713,
            11714,
            11715,
            12165,
            12166,
            12167,
            12168,
            12873,
            12885,
            12911,
            24095,
            24096,
            24097,
            24098,
            24099,
            24100,
            24101,
            24104,
            31916,
        ];
        Assert.All(ids, id => Assert.True(Nodes.TryFind(0, id, out _), $"i={id}"));
    }

    [Fact]
    public void All_reference_types_of_the_standard_are_there_and_derive_from_References()
    {
        var references = Nodes.IndexOf(NodeIds.References);
        var types = Enumerable.Range(0, Nodes.Count).Where(index => Nodes[index].Class == NodeClass.ReferenceType).ToList();
        Assert.Equal(72, types.Count);
        Assert.All(types, type => Assert.True(Nodes.IsTypeOf(type, references)));
    }

    [Fact]
    public void All_37_aggregates_are_in_the_folders_of_the_server_and_of_its_history()
    {
        var type = Nodes.IndexOf(NodeIds.AggregateFunctionType);
        foreach (
            var folder in (uint[])
                [NodeIds.Server_ServerCapabilities_AggregateFunctions, NodeIds.HistoryServerCapabilities_AggregateFunctions]
        )
        {
            var found = 0;
            foreach (var reference in Nodes.ReferencesOf(Nodes.IndexOf(folder)))
                found += reference.IsForward && TypeOf(reference.Target) == type ? 1 : 0;
            Assert.Equal(37, found);
        }
    }

    [Fact]
    public void Every_object_and_variable_has_one_type_definition()
    {
        for (var index = 0; index < Nodes.Count; index++)
        {
            if (Nodes[index].Class is not (NodeClass.Object or NodeClass.Variable))
                continue;
            var types = 0;
            foreach (var reference in Nodes.ReferencesOf(index))
            {
                if (reference.IsForward && Nodes[reference.Type].Id == NodeIds.HasTypeDefinition)
                    types++;
            }

            Assert.True(types == 1, $"i={Nodes[index].Id} has {types}");
        }
    }

    [Fact]
    public void Every_type_but_the_roots_has_a_supertype_of_its_class()
    {
        uint[] roots = [NodeIds.BaseObjectType, NodeIds.BaseVariableType, NodeIds.References, NodeIds.BaseDataType];
        for (var index = 0; index < Nodes.Count; index++)
        {
            var nodeClass = Nodes[index].Class;
            if (
                nodeClass is NodeClass.Object or NodeClass.Variable or NodeClass.Method
                || (Nodes[index].Namespace == 0 && roots.Contains(Nodes[index].Id))
            )
                continue;
            var root = roots.Single(id => Nodes[Nodes.IndexOf(id)].Class == nodeClass);
            Assert.True(Nodes.IsTypeOf(index, Nodes.IndexOf(root)), $"i={Nodes[index].Id}");
        }
    }

    [Fact]
    public void There_are_the_types_of_events_and_alarms_with_their_members()
    {
        uint[] types =
        [
            NodeIds.BaseEventType,
            NodeIds.SystemEventType,
            NodeIds.DeviceFailureEventType,
            NodeIds.BaseModelChangeEventType,
            NodeIds.GeneralModelChangeEventType,
            NodeIds.EventQueueOverflowEventType,
            NodeIds.RefreshStartEventType,
            NodeIds.RefreshEndEventType,
            NodeIds.ConditionType,
            NodeIds.AcknowledgeableConditionType,
            NodeIds.AlarmConditionType,
        ];
        Assert.All(types, type => Assert.True(Nodes.IsTypeOf(Nodes.IndexOf(type), Nodes.IndexOf(NodeIds.BaseEventType))));
        Assert.Equal(
            ["EventId", "EventType", "SourceNode", "SourceName", "Time", "ReceiveTime", "Message", "Severity"],
            MembersOf(NodeIds.BaseEventType)
                .Intersect(["EventId", "EventType", "SourceNode", "SourceName", "Time", "ReceiveTime", "Message", "Severity"])
        );
        Assert.Contains("Changes", MembersOf(NodeIds.GeneralModelChangeEventType));
        string[] ofConditions = ["EnabledState", "Retain", "BranchId", "Comment", "ConditionRefresh", "ConditionRefresh2", "AddComment"];
        Assert.Subset(MembersOf(NodeIds.ConditionType).ToHashSet(), ofConditions.ToHashSet());
        Assert.Subset(MembersOf(NodeIds.AcknowledgeableConditionType).ToHashSet(), new HashSet<string> { "AckedState", "Acknowledge" });
        Assert.Subset(
            MembersOf(NodeIds.AlarmConditionType).ToHashSet(),
            new HashSet<string> { "ActiveState", "InputNode", "ShelvingState" }
        );
    }

    private static List<string> MembersOf(uint type)
    {
        var members = new List<string>();
        foreach (var reference in Nodes.ReferencesOf(Nodes.IndexOf(type)))
        {
            if (reference.IsForward && Nodes[reference.Type].Id is NodeIds.HasComponent or NodeIds.HasProperty)
                members.Add(System.Text.Encoding.UTF8.GetString(Nodes.BrowseNameOf(reference.Target)));
        }

        return members;
    }

    [Fact]
    public void Every_reference_is_seen_from_both_ends()
    {
        for (var index = 0; index < Nodes.Count; index++)
        {
            foreach (var reference in Nodes.ReferencesOf(index))
            {
                var back = new StandardReference(reference.Type, (ushort)index, !reference.IsForward);
                Assert.True(Nodes.ReferencesOf(reference.Target).Contains(back), $"i={Nodes[index].Id}");
            }
        }
    }

    [Fact]
    public void Every_value_and_definition_is_a_whole_variant()
    {
        for (var index = 0; index < Nodes.Count; index++)
        {
            if (Nodes[index].ValueLength == 0)
                continue;
            var reader = new UaReader(Nodes.ValueOf(index), EncodingLimits.Default);
            var value = reader.Variant();
            Assert.True(reader.Status.IsGood && reader.Remaining == 0 && !value.IsNull, $"i={Nodes[index].Id}");
        }
    }

    [Fact]
    public void Every_structure_with_fields_says_its_definition_and_its_binary_encoding()
    {
        var reader = new UaReader(Nodes.ValueOf(Nodes.IndexOf(NodeIds.BuildInfo)), EncodingLimits.Default);
        var value = (ExtensionObject)reader.Variant().Reference!;
        Assert.True(value.TryGet<StructureDefinition>(EncodingLimits.Default, out var definition));
        Assert.Equal(NodeId.Of(EncodingIds.BuildInfo), definition.DefaultEncodingId);
        Assert.Equal(
            ["ProductUri", "ManufacturerName", "ProductName", "SoftwareVersion", "BuildNumber", "BuildDate"],
            definition.Fields!.Select(field => field.Name)
        );
    }

    [Fact]
    public void An_id_is_found_without_an_allocation()
    {
        Nodes.TryFind(0, 2253, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (uint id = 0; id < 40_000; id++)
            Nodes.TryFind(0, id, out _);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static int TypeOf(int index)
    {
        foreach (var reference in Nodes.ReferencesOf(index))
        {
            if (reference.IsForward && Nodes[reference.Type].Id == NodeIds.HasTypeDefinition)
                return reference.Target;
        }

        return -1;
    }
}
