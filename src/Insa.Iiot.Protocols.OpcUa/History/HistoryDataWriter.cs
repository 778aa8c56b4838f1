using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.History.Aggregates;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>Encodes the values of one node as a HistoryData body while they are read.</summary>
internal sealed class HistoryDataWriter : IDisposable
{
    private readonly PooledOutput _output = new();
    private readonly TimestampsToReturn _timestamps;

    public HistoryDataWriter(TimestampsToReturn timestamps)
    {
        _timestamps = timestamps;
        var writer = new UaWriter(_output);
        writer.ArrayLength(0);
        writer.Flush();
    }

    public int Count { get; private set; }

    public int Bytes => _output.Length;

    public ReadOnlySpan<byte> Body
    {
        get
        {
            _output.Patch(0, Count);
            return _output.WrittenSpan;
        }
    }

    public void Add(in HistorySample sample) => Add(ToVariant(sample.Value), sample.Status, sample.Ticks);

    public void Add(in AggregateResult result)
    {
        var value = result.Type switch
        {
            AggregateValueType.Double => Variant.Of(result.Number),
            AggregateValueType.Int32 => Variant.Of((int)result.Number),
            AggregateValueType.StatusCode => Variant.Of(new StatusCode((uint)result.Number)),
            AggregateValueType.Stored => ToVariant(result.Value),
            _ => default,
        };
        Add(value, result.Status, result.Ticks);
    }

    /// <summary>Says that there is nothing at a time.</summary>
    public void AddMissing(long ticks, StatusCode status) => Add(default, status, ticks);

    public void Dispose() => _output.Dispose();

    // The store keeps one time per value: whichever is asked for, it is that one.
    private void Add(Variant value, StatusCode status, long ticks)
    {
        var time = UaDateTime.FromTicks(ticks);
        var writer = new UaWriter(_output);
        writer.DataValue(
            new DataValue(
                value,
                status,
                _timestamps == TimestampsToReturn.Server ? 0 : time,
                _timestamps == TimestampsToReturn.Source ? 0 : time
            )
        );
        writer.Flush();
        Count++;
    }

    private static Variant ToVariant(in TelemetryValue value) =>
        value.Kind switch
        {
            TelemetryValueKind.Double => Variant.Of(value.AsDouble()),
            TelemetryValueKind.Long => Variant.Of(value.AsLong()),
            TelemetryValueKind.Bool => Variant.Of(value.AsBool()),
            _ => Variant.Of(value.AsText()),
        };
}
