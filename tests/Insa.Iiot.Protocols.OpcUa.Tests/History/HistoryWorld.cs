using System.Globalization;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.History;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

/// <summary>History over a store in memory, asked by encoded requests as one session would send them.</summary>
internal sealed class HistoryWorld : IHistoryScope, IDisposable
{
    public static readonly DateTime Day = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly HistoryReader _reader;
    private readonly HistoryLimits _limits;

    public HistoryWorld(HistoryLimits? limits = null, MemoryTelemetry? store = null, TimeProvider? time = null)
    {
        _limits = limits ?? HistoryLimits.Default;
        Store = store ?? new MemoryTelemetry();
        _reader = new HistoryReader(Store, _limits, time ?? TimeProvider.System);
        ContinuationPoints = new HistoryContinuationPoints(_limits.MaxContinuationPoints);
    }

    public static NodeId Level => NodeId.OfString(3, "press-1/level");

    public MemoryTelemetry Store { get; }

    public TenantId Tenant => Store.Tenant;

    public HistoryContinuationPoints ContinuationPoints { get; }

    public StatusCode Find(NodeIdView id, bool forUpdate, out HistoryNode node)
    {
        node = default;
        if (id.Is(2253))
            return StatusCodes.BadHistoryOperationUnsupported;
        var text = System.Text.Encoding.UTF8.GetString(id.Identifier).Split('/');
        if (text.Length != 2)
            return StatusCodes.BadNodeIdUnknown;
        node = new(DeviceId.Parse(text[0]), text[1]);
        return StatusCodes.Good;
    }

    /// <summary>A time of the day, like <c>05:00</c>.</summary>
    public static DateTime At(string time) => Day + TimeSpan.Parse(time, CultureInfo.InvariantCulture);

    public static long Ua(string? time) => time is null ? 0 : UaDateTime.From(At(time));

    /// <summary>Stores values at minutes, like <c>05:00=1 05:02=2? 05:03=3!</c>: with <c>?</c> uncertain, with <c>!</c> bad.</summary>
    public HistoryWorld Holding(string values)
    {
        foreach (var entry in values.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var quality =
                entry[^1] == '?' ? TelemetryQuality.Uncertain
                : entry[^1] == '!' ? TelemetryQuality.Bad
                : TelemetryQuality.Good;
            var (time, value) = (entry.Split('=')[0], entry.Split('=')[1].TrimEnd('?', '!'));
            Store.Add(At(time), double.Parse(value, CultureInfo.InvariantCulture), quality);
        }

        return this;
    }

    public Task<HistoryReadResult> ReadRawAsync(
        string? start,
        string? end,
        uint count = 0,
        bool bounds = false,
        byte[]? point = null,
        bool modified = false
    ) =>
        ReadOneAsync(
            new ReadRawModifiedDetails
            {
                StartTime = Ua(start),
                EndTime = Ua(end),
                NumValuesPerNode = count,
                ReturnBounds = bounds,
                IsReadModified = modified,
            },
            point
        );

    public async Task<HistoryReadResult> ReadOneAsync(IUaEncodable details, byte[]? point = null, NodeId? node = null)
    {
        var (status, results) = await ReadAsync(details, [Node(node, point)]);
        Assert.Equal(StatusCodes.Good, status);
        return Assert.Single(results);
    }

    public static HistoryReadValueId Node(NodeId? node = null, byte[]? point = null, string? indexRange = null, string? encoding = null) =>
        new()
        {
            NodeId = node ?? Level,
            ContinuationPoint = point,
            IndexRange = indexRange,
            DataEncoding = new QualifiedName(0, encoding),
        };

    /// <summary>Asks; the status is the request's.</summary>
    public async Task<(StatusCode Status, HistoryReadResult[] Results)> ReadAsync(
        IUaEncodable details,
        HistoryReadValueId[] nodes,
        TimestampsToReturn timestamps = TimestampsToReturn.Source,
        bool release = false,
        TimeSpan timeout = default,
        CancellationToken cancellationToken = default
    )
    {
        var call = Call(details, nodes, timestamps, release);
        if (!call.Status.IsGood)
            return (call.Status, []);
        var results = await _reader.ReadAsync(call, this, timeout, cancellationToken);
        return (StatusCodes.Good, Encoded(results));
    }

    public void Dispose() => _reader.Dispose();

    /// <summary>The values of a result, like <c>05:00=1 05:05=- BadBoundNotFound</c>.</summary>
    public static string Text(HistoryReadResult result)
    {
        if (!result.HistoryData.TryGet<HistoryData>(EncodingLimits.Default, out var data))
            return "";
        return string.Join(
            ' ',
            data.DataValues!.Select(value =>
            {
                var time = UaDateTime.ToDateTime(value.SourceTimestamp).ToString("HH:mm", CultureInfo.InvariantCulture);
                var text =
                    value.Value.IsNull ? "-"
                    : value.Value.TryGetNumber(out var number) ? number.ToString(CultureInfo.InvariantCulture)
                    : value.Value.Text ?? value.Value.Boolean.ToString();
                return $"{time}={text}" + Status(value.Status);
            })
        );
    }

    // With historian bits a status has no name.
    private static string Status(StatusCode status) =>
        status == StatusCodes.Good ? ""
        : (status.Value & 0xFFFF) == 0 ? $"({status})"
        : $"(0x{status.Value:X8})";

    private HistoryReadCall Call(IUaEncodable details, HistoryReadValueId[] nodes, TimestampsToReturn timestamps, bool release)
    {
        using var output = new PooledOutput();
        var writer = new UaWriter(output);
        writer.ExtensionObject(details);
        writer.Int32((int)timestamps);
        writer.Boolean(release);
        writer.StructureArray(nodes);
        writer.Flush();
        var reader = new UaReader(output.WrittenSpan, EncodingLimits.Default);
        return HistoryReadCall.Read(ref reader, this, _limits);
    }

    private static HistoryReadResult[] Encoded(HistoryNodeResult[] results)
    {
        using var output = new PooledOutput();
        var writer = new UaWriter(output);
        HistoryReader.Write(ref writer, results);
        writer.Flush();
        var reader = new UaReader(output.WrittenSpan, EncodingLimits.Default);
        var read = reader.StructureArray<HistoryReadResult>()!;
        Assert.True(reader.ArrayLength(1, out var isNull) == 0 && isNull);
        Assert.Equal((StatusCodes.Good, 0), (reader.Status, reader.Remaining));
        return read;
    }
}
