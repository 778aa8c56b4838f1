using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Tests.Server;
using Insa.Iiot.Protocols.OpcUa.Types;
using static Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace.SpaceWorld;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

public sealed class TranslateServiceTests
{
    private static readonly NodeId _hierarchical = NodeId.Of(NodeIds.HierarchicalReferences);

    private readonly SpaceWorld _world = new();

    [Fact]
    public async Task A_path_leads_from_the_root_to_a_property_of_a_metric()
    {
        using var client = _world.Client(Acme);
        var result = await TranslateAsync(
            client,
            NodeId.Of(NodeIds.RootFolder),
            Forward(0, "Objects"),
            Forward(2, "Tenants"),
            Forward(3, "acme"),
            Forward(2, "Devices"),
            Forward(3, "press-1"),
            Forward(2, "Telemetry"),
            Forward(3, "temp"),
            Forward(0, "EngineeringUnits")
        );
        Assert.Equal(StatusCodes.Good, result.StatusCode);
        var target = Assert.Single(result.Targets!);
        Assert.Equal((Id("press-1#EngineeringUnits/temp"), uint.MaxValue), (target.TargetId.NodeId, target.RemainingPathIndex));
    }

    [Fact]
    public async Task A_path_leads_backwards_too()
    {
        using var client = _world.Client(Acme);
        var result = await TranslateAsync(
            client,
            Id("press-1/temp"),
            Inverse(2, "Telemetry"),
            Inverse(3, "press-1"),
            Inverse(2, "Devices")
        );
        Assert.Equal(NodeId.Of(3, 3), Assert.Single(result.Targets!).TargetId.NodeId);
        Assert.Equal(StatusCodes.BadNoMatch, (await TranslateAsync(client, Id("press-1"), Inverse(2, "Telemetry"))).StatusCode);
    }

    [Fact]
    public async Task The_type_of_a_step_is_any_one_itself_or_one_derived_from_it()
    {
        using var client = _world.Client(Acme);
        Assert.Equal(StatusCodes.Good, (await StepAsync(0, true)).StatusCode);
        Assert.Equal(StatusCodes.Good, (await StepAsync(0, false)).StatusCode);
        Assert.Equal(StatusCodes.Good, (await StepAsync(NodeIds.HasComponent, false)).StatusCode);
        Assert.Equal(StatusCodes.Good, (await StepAsync(NodeIds.Aggregates, true)).StatusCode);
        Assert.Equal(StatusCodes.BadNoMatch, (await StepAsync(NodeIds.Aggregates, false)).StatusCode);
        Assert.Equal(StatusCodes.BadNoMatch, (await StepAsync(NodeIds.HasProperty, true)).StatusCode);
        Assert.Equal(StatusCodes.BadNoMatch, (await StepAsync(NodeIds.Server, true)).StatusCode);
        Assert.Equal(StatusCodes.BadNoMatch, (await StepAsync(99_999, true)).StatusCode);

        Task<BrowsePathResult> StepAsync(uint type, bool subtypes) =>
            TranslateAsync(
                client,
                Id("press-1"),
                new RelativePathElement
                {
                    ReferenceTypeId = NodeId.Of(type),
                    IncludeSubtypes = subtypes,
                    TargetName = new QualifiedName(2, "Telemetry"),
                }
            );
    }

    [Fact]
    public async Task A_path_that_leads_nowhere_says_why()
    {
        using var client = _world.Client(Acme);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await TranslateAsync(client, Id("nothing"), Forward(2, "Telemetry"))).StatusCode);
        Assert.Equal(StatusCodes.BadNodeIdInvalid, (await TranslateAsync(client, default, Forward(2, "Telemetry"))).StatusCode);
        Assert.Equal(StatusCodes.BadNothingToDo, (await TranslateAsync(client, Id("press-1"))).StatusCode);
        Assert.Equal(StatusCodes.BadNoMatch, (await TranslateAsync(client, Id("press-1"), Forward(2, "telemetry"))).StatusCode);
        Assert.Equal(StatusCodes.BadNoMatch, (await TranslateAsync(client, Id("press-1"), Forward(3, "Telemetry"))).StatusCode);
        Assert.Equal(StatusCodes.BadBrowseNameInvalid, (await TranslateAsync(client, Id("press-1"), Forward(0, null))).StatusCode);
        Assert.Equal(
            StatusCodes.BadBrowseNameInvalid,
            (await TranslateAsync(client, Id("press-1"), Forward(0, null), Forward(3, "temp"))).StatusCode
        );
    }

    [Fact]
    public async Task A_call_without_paths_or_with_too_many_is_refused()
    {
        using var client = _world.Client(Acme);
        var path = Path(Id("press-1"), Forward(2, "Telemetry"));
        Assert.Equal(StatusCodes.BadNothingToDo, await client.FaultAsync(Request()));
        Assert.Equal(StatusCodes.BadTooManyOperations, await client.FaultAsync(Request(Enumerable.Repeat(path, 1001).ToArray())));
        var answer = await client.CallAsync<TranslateBrowsePathsToNodeIdsResponse>(Request(path, Path(Id("x"), Forward(2, "y")), path));
        Assert.Equal(
            [StatusCodes.Good, StatusCodes.BadNodeIdUnknown, StatusCodes.Good],
            answer.Results!.Select(result => result.StatusCode)
        );
    }

    private static RelativePathElement Forward(ushort ns, string? name) =>
        new()
        {
            ReferenceTypeId = _hierarchical,
            IncludeSubtypes = true,
            TargetName = new QualifiedName(ns, name),
        };

    private static RelativePathElement Inverse(ushort ns, string name) =>
        new()
        {
            ReferenceTypeId = _hierarchical,
            IsInverse = true,
            IncludeSubtypes = true,
            TargetName = new QualifiedName(ns, name),
        };

    private static BrowsePath Path(NodeId start, params RelativePathElement[] elements) =>
        new()
        {
            StartingNode = start,
            RelativePath = new RelativePath { Elements = elements },
        };

    private static TranslateBrowsePathsToNodeIdsRequest Request(params BrowsePath[] paths) =>
        new() { RequestHeader = new RequestHeader(), BrowsePaths = paths };

    private static async Task<BrowsePathResult> TranslateAsync(ServiceCaller client, NodeId start, params RelativePathElement[] elements)
    {
        var response = await client.CallAsync<TranslateBrowsePathsToNodeIdsResponse>(Request(Path(start, elements)));
        return Assert.Single(response.Results!);
    }
}
