using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.History.Aggregates;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Server.Writing;
using Insa.Iiot.Protocols.OpcUa.Tests.Server;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

/// <summary>HistoryUpdate, and HistoryRead after it, over the ingestion pipeline and a SQLite file.</summary>
public sealed class StoredHistoryTests : IAsyncLifetime
{
    private static readonly TenantId Acme = TenantId.Parse("acme");
    private static readonly TenantId Globex = TenantId.Parse("globex");
    private static readonly DateTime Start = TimeProvider.System.GetUtcNow().UtcDateTime.Date.AddDays(-2);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("iiot-opcua-history-");
    private IHost _host = null!;
    private ServiceTable _table = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<ITelemetryDecoder, WriteDecoder>();
        builder.Services.AddIiot().AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder.FullName, "iiot.db")).AddIngestion();
        _host = builder.Build();
        await _host.StartAsync();
        var services = _host.Services;
        var registry = services.GetRequiredService<IDeviceRegistry>();
        foreach (var tenant in new[] { Acme, Globex })
        {
            await registry.AddAsync(tenant, new Device { Id = DeviceId.Parse("press-1") });
            await registry.AddAsync(tenant, new Device { Id = DeviceId.Parse("press-2") });
        }

        var reader = services.GetRequiredService<ITelemetryReader>();
        var time = TimeProvider.System;
        var shared = new SpaceShared(
            StandardNodes.Shared,
            "urn:test",
            new AddressSpace.FixedCatalog(),
            new ServerValues(StandardNodes.Shared),
            time
        );
        var spaces = new SessionSpaces(new TenantSpaces(shared, new SpaceSource(registry, reader), [], time));
        _table = new ServiceTable([
            new HistoryServices(new HistoryNodes(spaces), reader, HistoryLimits.Default, time),
            new HistoryUpdateService(spaces, reader, services.GetRequiredService<ITelemetryIngress>(), HistoryLimits.Default),
        ]);
        await SayAsync(Acme, 20, """{"data":{"level":2},"timestamp":"TIME"}""");
        await SayAsync(Globex, 20, """{"data":{"level":7},"timestamp":"TIME"}""");
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Inserted_values_are_stored_when_the_answer_comes()
    {
        using var client = Client(Acme);
        var result = await UpdateAsync(client, PerformUpdateType.Insert, Value(10, 1), Value(30, 3, StatusCodes.Uncertain));
        Assert.Equal([StatusCodes.GoodEntryInserted, StatusCodes.GoodEntryInserted], result.OperationResults!);
        Assert.Equal("00:10=1 00:20=2 00:30=3(Uncertain)", await ReadAsync(client));
    }

    [Fact]
    public async Task What_is_there_is_not_inserted_and_what_is_not_there_is_not_replaced()
    {
        using var client = Client(Acme);
        var inserted = await UpdateAsync(client, PerformUpdateType.Insert, Value(20, 9), Value(21, 9), Value(21, 10));
        Assert.Equal([StatusCodes.BadEntryExists, StatusCodes.GoodEntryInserted, StatusCodes.BadEntryExists], inserted.OperationResults!);
        var replaced = await UpdateAsync(client, PerformUpdateType.Replace, Value(20, 5), Value(22, 9));
        Assert.Equal([StatusCodes.GoodEntryReplaced, StatusCodes.BadNoEntryExists], replaced.OperationResults!);
        var updated = await UpdateAsync(client, PerformUpdateType.Update, Value(21, 6), Value(23, 7));
        Assert.Equal([StatusCodes.GoodEntryReplaced, StatusCodes.GoodEntryInserted], updated.OperationResults!);
        Assert.Equal("00:20=5 00:21=6 00:23=7", await ReadAsync(client));
    }

    [Fact]
    public async Task Values_that_cannot_be_stored_are_refused_one_by_one()
    {
        using var client = Client(Acme);
        var result = await UpdateAsync(
            client,
            PerformUpdateType.Insert,
            new DataValue(Variant.Of(1.0)),
            new DataValue(default, SourceTimestamp: Ua(5)),
            new DataValue(Variant.Of("text"), SourceTimestamp: Ua(5)),
            Value(60 * 24 * 30, 1),
            Value(5, 5)
        );
        Assert.Equal(
            [
                StatusCodes.BadInvalidTimestamp,
                StatusCodes.BadTypeMismatch,
                StatusCodes.BadTypeMismatch,
                StatusCodes.BadOutOfRange,
                StatusCodes.GoodEntryInserted,
            ],
            result.OperationResults!
        );
    }

    [Fact]
    public async Task Removing_is_not_offered()
    {
        using var client = Client(Acme);
        Assert.Equal(
            StatusCodes.BadHistoryOperationUnsupported,
            (await UpdateAsync(client, PerformUpdateType.Remove, Value(20, 2))).StatusCode
        );
    }

    [Fact]
    public async Task A_device_that_is_not_granted_is_no_ones_to_update()
    {
        using var other = Client(Acme, SessionIdentity.Of(new DeviceSession(Acme, DeviceId.Parse("press-2"))));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await UpdateAsync(other, PerformUpdateType.Insert, Value(1, 1))).StatusCode);
        var reader = SessionIdentity.Of(
            new UserGrant(
                Acme,
                "u1",
                "ann@example.com@acme",
                1,
                new HashSet<string> { SessionPermissions.ReadDevices, SessionPermissions.ReadTelemetry }
            )
        );
        using var user = Client(Acme, reader);
        Assert.Equal(StatusCodes.BadUserAccessDenied, (await UpdateAsync(user, PerformUpdateType.Insert, Value(1, 1))).StatusCode);
        Assert.Equal("00:20=2", await ReadAsync(user));
    }

    [Fact]
    public async Task Tenants_have_histories_of_their_own()
    {
        using var acme = Client(Acme);
        using var globex = Client(Globex);
        await UpdateAsync(globex, PerformUpdateType.Insert, Value(10, 70));
        Assert.Equal("00:20=2", await ReadAsync(acme));
        Assert.Equal("00:10=70 00:20=7", await ReadAsync(globex));
    }

    [Fact]
    public async Task Aggregates_are_computed_over_what_was_inserted()
    {
        using var client = Client(Acme);
        await UpdateAsync(client, PerformUpdateType.Insert, Value(0, 0), Value(10, 1), Value(30, 3));
        var response = await client.CallAsync<HistoryReadResponse>(
            Read(
                new ReadProcessedDetails
                {
                    StartTime = Ua(0),
                    EndTime = Ua(30),
                    ProcessingInterval = TimeSpan.FromMinutes(10).TotalMilliseconds,
                    AggregateType = [NodeId.Of((uint)AggregateFunction.TimeAverage)],
                    AggregateConfiguration = new AggregateConfiguration { UseServerCapabilitiesDefaults = true },
                }
            )
        );
        Assert.Equal(
            "00:00=0.5(0x00000401) 00:10=1.5(0x00000401) 00:20=2.5(0x00000401)",
            HistoryWorld.Text(Assert.Single(response.Results!))
        );
    }

    private ServiceCaller Client(TenantId tenant, SessionIdentity? identity = null) =>
        new(
            _table,
            ServiceCaller.Session(identity ?? SessionIdentity.Of(new DeviceSession(tenant, DeviceId.Parse("press-1")))),
            TimeProvider.System
        );

    private async Task SayAsync(TenantId tenant, int minute, string json)
    {
        var text = json.Replace("TIME", Start.AddMinutes(minute).ToString("O"), StringComparison.Ordinal);
        var receipt = _host
            .Services.GetRequiredService<ITelemetryIngress>()
            .Submit(
                new DeviceSession(tenant, DeviceId.Parse("press-1")),
                new TelemetryMessage(PayloadFormat.Json, System.Text.Encoding.UTF8.GetBytes(text))
            );
        Assert.Equal(IngestReason.None, receipt.Settle(await receipt.Commit!));
    }

    private static async Task<HistoryUpdateResult> UpdateAsync(ServiceCaller client, PerformUpdateType kind, params DataValue[] values)
    {
        var response = await client.CallAsync<HistoryUpdateResponse>(
            new HistoryUpdateRequest
            {
                RequestHeader = new RequestHeader(),
                HistoryUpdateDetails =
                [
                    new ExtensionObject(
                        new UpdateDataDetails
                        {
                            NodeId = Level,
                            PerformInsertReplace = kind,
                            UpdateValues = values,
                        }
                    ),
                ],
            }
        );
        return Assert.Single(response.Results!);
    }

    private static async Task<string> ReadAsync(ServiceCaller client)
    {
        var response = await client.CallAsync<HistoryReadResponse>(
            Read(new ReadRawModifiedDetails { StartTime = Ua(0), EndTime = Ua(60) })
        );
        return HistoryWorld.Text(Assert.Single(response.Results!));
    }

    private static HistoryReadRequest Read(OpcUa.Encoding.IUaEncodable details) =>
        new()
        {
            RequestHeader = new RequestHeader(),
            HistoryReadDetails = new ExtensionObject(details),
            NodesToRead = [HistoryWorld.Node(Level)],
        };

    private static NodeId Level => NodeId.OfString(TenantSpace.DevicesNamespace, "press-1/level");

    private static DataValue Value(int minute, double value, StatusCode status = default) =>
        new(Variant.Of(value), status, SourceTimestamp: Ua(minute));

    private static long Ua(int minute) => UaDateTime.From(Start.AddMinutes(minute));
}
