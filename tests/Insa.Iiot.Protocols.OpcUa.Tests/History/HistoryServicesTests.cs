using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Tests.Server;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

/// <summary>HistoryRead as the server dispatches it.</summary>
public sealed class HistoryServicesTests : IHistoryNodes, IDisposable
{
    private readonly MemoryTelemetry _store = new();
    private readonly HistoryServices _services;
    private readonly ServiceTable _table;
    private readonly ServiceCaller _caller;
    private TaskCompletionSource? _reached;

    public HistoryServicesTests()
    {
        _services = new HistoryServices(this, _store, HistoryLimits.Default, TimeProvider.System);
        _table = new ServiceTable([_services]);
        _caller = new ServiceCaller(_table, Session(_store.Tenant), TimeProvider.System);
        for (var i = 0; i < 5; i++)
            _store.Add(HistoryWorld.At($"05:0{i}"), i);
    }

    public void Dispose()
    {
        _caller.Dispose();
        _services.Dispose();
    }

    [Fact]
    public async Task A_request_is_answered_with_its_values()
    {
        var response = await _caller.CallAsync<HistoryReadResponse>(Request());
        var result = Assert.Single(response.Results!);
        Assert.Equal("05:00=0 05:01=1 05:02=2 05:03=3 05:04=4", HistoryWorld.Text(result));
        Assert.Empty(_caller.Failures);
    }

    [Fact]
    public async Task A_request_that_cannot_be_answered_is_a_fault() =>
        Assert.Equal(StatusCodes.BadNothingToDo, await _caller.FaultAsync(Request(nodes: [])));

    [Fact]
    public async Task Another_tenants_session_finds_no_such_node()
    {
        using var other = new ServiceCaller(_table, Session(TenantId.Parse("globex")), TimeProvider.System);
        var response = await other.CallAsync<HistoryReadResponse>(Request());
        Assert.Equal(StatusCodes.BadNodeIdUnknown, Assert.Single(response.Results!).StatusCode);
    }

    [Fact]
    public async Task A_point_goes_on_in_its_own_session_alone()
    {
        var first = Assert.Single((await _caller.CallAsync<HistoryReadResponse>(Request(2))).Results!);
        using var other = new ServiceCaller(_table, Session(_store.Tenant), TimeProvider.System);
        await other.CallAsync<HistoryReadResponse>(Request(2));
        var stolen = await other.CallAsync<HistoryReadResponse>(Request(2, [HistoryWorld.Node(point: first.ContinuationPoint)]));
        Assert.Equal(StatusCodes.BadContinuationPointInvalid, Assert.Single(stolen.Results!).StatusCode);
        var second = await _caller.CallAsync<HistoryReadResponse>(Request(2, [HistoryWorld.Node(point: first.ContinuationPoint)]));
        Assert.Equal("05:02=2 05:03=3", HistoryWorld.Text(Assert.Single(second.Results!)));
    }

    [Fact]
    public async Task A_request_that_its_client_cancels_is_told_so()
    {
        _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _store.Before = async ct =>
        {
            _reached.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        };
        var answer = _caller.SendAsync(Request());
        await _reached.Task;
        _caller.Context!.Cancel(StatusCodes.BadRequestCancelledByClient);
        var response = ServiceCaller.Decode<HistoryReadResponse>(await answer);
        Assert.Equal(StatusCodes.BadRequestCancelledByClient, Assert.Single(response.Results!).StatusCode);
    }

    [Fact]
    public async Task A_failure_of_ours_is_an_internal_error_and_is_told_to_the_log()
    {
        _store.Before = _ => throw new InvalidOperationException("broken");
        Assert.Equal(StatusCodes.BadInternalError, await _caller.FaultAsync(Request()));
        Assert.Single(_caller.Failures);
    }

    StatusCode IHistoryNodes.Find(UaSession session, NodeIdView id, bool forUpdate, out HistoryNode node)
    {
        node = new(_store.Device, "level");
        return session.Tenant == _store.Tenant && id.Equals(HistoryWorld.Level.AsView()) ? StatusCodes.Good : StatusCodes.BadNodeIdUnknown;
    }

    private static UaSession Session(TenantId tenant) => ServiceCaller.Session(SessionIdentity.Anonymous(tenant));

    private static HistoryReadRequest Request(uint count = 0, HistoryReadValueId[]? nodes = null) =>
        new()
        {
            RequestHeader = new RequestHeader(),
            HistoryReadDetails = new ExtensionObject(
                new ReadRawModifiedDetails
                {
                    StartTime = HistoryWorld.Ua("05:00"),
                    EndTime = HistoryWorld.Ua("06:00"),
                    NumValuesPerNode = count,
                }
            ),
            NodesToRead = nodes ?? [HistoryWorld.Node()],
        };
}
