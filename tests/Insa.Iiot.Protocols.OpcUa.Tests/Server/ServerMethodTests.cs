using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Server;

/// <summary>The methods of the server object, found by Browse and called as they declare themselves.</summary>
public sealed class ServerMethodTests : IAsyncLifetime
{
    private const uint Unknown = 4711;

    private OpcUaHost _host = null!;
    private TestChannel _client = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        _client = await ConnectAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await _host.DisposeAsync();
    }

    [Theory]
    [InlineData("GetMonitoredItems", NodeIds.Server_GetMonitoredItems, "SubscriptionId", "ServerHandles ClientHandles")]
    [InlineData("ResendData", NodeIds.Server_ResendData, "SubscriptionId", "")]
    public async Task A_method_is_a_component_that_says_what_it_takes_and_gives(string name, uint id, string inputs, string outputs)
    {
        var method = Assert.Single(await BrowseAsync(NodeIds.Server), reference => reference.BrowseName.Name == name);
        Assert.Equal(
            (NodeId.Of(id), NodeClass.Method, NodeId.Of(NodeIds.HasComponent)),
            (method.NodeId.NodeId, method.NodeClass, method.ReferenceTypeId)
        );
        Assert.True((await ReadAsync(method.NodeId.NodeId, AttributeId.Executable)).Boolean);
        Assert.True((await ReadAsync(method.NodeId.NodeId, AttributeId.UserExecutable)).Boolean);
        var properties = await BrowseAsync(id);
        Assert.Equal(inputs, await ArgumentsAsync(properties, "InputArguments"));
        Assert.Equal(outputs, await ArgumentsAsync(properties, "OutputArguments"));
    }

    [Fact]
    public async Task GetMonitoredItems_gives_both_handles_of_each_item()
    {
        var subscription = await SubscribeAsync();
        var items = await _client.CallAsync<CreateMonitoredItemsResponse>(
            new CreateMonitoredItemsRequest
            {
                RequestHeader = _client.Header(),
                SubscriptionId = subscription,
                ItemsToCreate = [SubscriptionClient.Item("i=2258", 7), SubscriptionClient.Item("i=2259", 8)],
            }
        );
        var result = await CallAsync(_client, NodeIds.Server_GetMonitoredItems, Variant.Of(subscription));
        Assert.Equal(StatusCodes.Good, result.StatusCode);
        var (servers, clients) = ((uint[])result.OutputArguments![0].Elements!, (uint[])result.OutputArguments[1].Elements!);
        Assert.Equal(
            items.Results!.Select(item => item.MonitoredItemId).Zip([7u, 8u]).OrderBy(pair => pair.First),
            servers.Zip(clients).OrderBy(pair => pair.First)
        );
    }

    [Theory]
    [InlineData(NodeIds.Server_GetMonitoredItems)]
    [InlineData(NodeIds.Server_ResendData)]
    public async Task A_subscription_is_its_own_sessions_alone(uint method)
    {
        var subscription = await SubscribeAsync();
        Assert.Equal(StatusCodes.Good, (await CallAsync(_client, method, Variant.Of(subscription))).StatusCode);
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, (await CallAsync(_client, method, Variant.Of(Unknown))).StatusCode);
        await using var other = await ConnectAsync();
        Assert.Equal(StatusCodes.BadUserAccessDenied, (await CallAsync(other, method, Variant.Of(subscription))).StatusCode);
        await using var stranger = await ConnectAsync("press-1@globex");
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, (await CallAsync(stranger, method, Variant.Of(subscription))).StatusCode);
    }

    [Theory]
    [InlineData(NodeIds.Server_GetMonitoredItems)]
    [InlineData(NodeIds.Server_ResendData)]
    public async Task Arguments_are_those_that_are_declared(uint method)
    {
        Assert.Equal(StatusCodes.BadArgumentsMissing, (await CallAsync(_client, method)).StatusCode);
        Assert.Equal(StatusCodes.BadTooManyArguments, (await CallAsync(_client, method, Variant.Of(1u), Variant.Of(1u))).StatusCode);
        var wrong = await CallAsync(_client, method, Variant.Of("1"));
        Assert.Equal(StatusCodes.BadInvalidArgument, wrong.StatusCode);
        Assert.Equal([StatusCodes.BadTypeMismatch], wrong.InputArgumentResults!);
    }

    private async Task<TestChannel> ConnectAsync(string user = OpcUaHost.Device)
    {
        var channel = await TestChannel.OpenAsync(_host);
        await channel.SignInAsync(user);
        return channel;
    }

    private async Task<uint> SubscribeAsync()
    {
        var response = await _client.CallAsync<CreateSubscriptionResponse>(
            new CreateSubscriptionRequest
            {
                RequestHeader = _client.Header(),
                RequestedPublishingInterval = 1000,
                RequestedLifetimeCount = 1000,
                RequestedMaxKeepAliveCount = 100,
            }
        );
        return response.SubscriptionId;
    }

    private static async Task<CallMethodResult> CallAsync(TestChannel client, uint method, params Variant[] arguments)
    {
        var response = await client.CallAsync<CallResponse>(
            new CallRequest
            {
                RequestHeader = client.Header(),
                MethodsToCall =
                [
                    new CallMethodRequest
                    {
                        ObjectId = NodeId.Of(NodeIds.Server),
                        MethodId = NodeId.Of(method),
                        InputArguments = arguments,
                    },
                ],
            }
        );
        return Assert.Single(response.Results!);
    }

    private async Task<ReferenceDescription[]> BrowseAsync(uint node)
    {
        var response = await _client.CallAsync<BrowseResponse>(
            new BrowseRequest
            {
                RequestHeader = _client.Header(),
                View = new ViewDescription(),
                NodesToBrowse =
                [
                    new BrowseDescription
                    {
                        NodeId = NodeId.Of(node),
                        ReferenceTypeId = NodeId.Of(NodeIds.Aggregates),
                        IncludeSubtypes = true,
                        ResultMask = 63,
                    },
                ],
            }
        );
        return Assert.Single(response.Results!).References!;
    }

    private async Task<Variant> ReadAsync(NodeId node, AttributeId attribute)
    {
        var response = await _client.CallAsync<ReadResponse>(
            new ReadRequest
            {
                RequestHeader = _client.Header(),
                NodesToRead = [new ReadValueId { NodeId = node, AttributeId = (uint)attribute }],
            }
        );
        return Assert.Single(response.Results!).Value;
    }

    // The names of arguments that are all numbers of 32 bits; nothing if the property is not there.
    private async Task<string> ArgumentsAsync(ReferenceDescription[] properties, string name)
    {
        if (properties.SingleOrDefault(property => property.BrowseName.Name == name) is not { } property)
            return "";
        var arguments = (ExtensionObject[])(await ReadAsync(property.NodeId.NodeId, AttributeId.Value)).Elements!;
        return string.Join(
            ' ',
            arguments.Select(argument =>
            {
                Assert.True(argument.TryGet<Argument>(EncodingLimits.Default, out var found));
                Assert.Equal(NodeId.Of((uint)BuiltInType.UInt32), found.DataType);
                return found.Name;
            })
        );
    }
}
