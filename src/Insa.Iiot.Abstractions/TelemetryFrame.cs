using System.Text;

namespace Insa.Iiot;

/// <summary>What one device said at one instant: a view into a <see cref="TelemetryChunk"/>, valid as long as the chunk.</summary>
public readonly ref struct TelemetryFrame
{
    private readonly TelemetryChunk _chunk;
    private readonly int _index;

    internal TelemetryFrame(TelemetryChunk chunk, int index) => (_chunk, _index) = (chunk, index);

    /// <summary>The device that spoke.</summary>
    public DeviceId Device => _chunk.DeviceOf(_index);

    /// <summary>The metrics, in the order of the values.</summary>
    public TelemetryLayout Layout => _chunk.LayoutOf(_index);

    /// <summary>When: UTC in ticks of 100 ns since 0001-01-01 (<see cref="DateTime.Ticks"/>), a whole number of microseconds.</summary>
    public long TimestampTicks => _chunk.TimestampOf(_index);

    /// <summary>When it counts as arrived, for the order of frames: see <see cref="TelemetryChunk.ArrivalTicks"/>.</summary>
    public long ArrivalTicks => _chunk.ArrivalTicks + (_index * TimeSpan.TicksPerMicrosecond);

    /// <summary>How many values there are.</summary>
    public int Count => Layout.Count;

    /// <summary>The types of the values.</summary>
    public ReadOnlySpan<TelemetryValueKind> Kinds => _chunk.KindsOf(_index);

    /// <summary>The qualities of the values.</summary>
    public ReadOnlySpan<TelemetryQuality> Qualities => _chunk.QualitiesOf(_index);

    /// <summary>
    /// The values' 64 bits each: IEEE 754 for a double, the integer, 1 or 0 for a boolean; for text and JSON of no meaning outside the
    /// chunk (see <see cref="GetUtf8"/>).
    /// </summary>
    public ReadOnlySpan<long> Bits => _chunk.BitsOf(_index);

    /// <summary>The UTF-8 bytes of a text or JSON value.</summary>
    /// <exception cref="InvalidOperationException">The value is a number or a boolean.</exception>
    public ReadOnlySpan<byte> GetUtf8(int index)
    {
        if (_chunk.KindOf(_index, index) is not (TelemetryValueKind.Text or TelemetryValueKind.Json))
            throw new InvalidOperationException("The value is not text.");
        return _chunk.TextOf(_index, index);
    }

    /// <summary>One value, outside the hot path: allocates for text.</summary>
    public TelemetryValue GetValue(int index)
    {
        var bits = _chunk.BitsOf(_index, index);
        return _chunk.KindOf(_index, index) switch
        {
            TelemetryValueKind.Double => TelemetryValue.Of(BitConverter.Int64BitsToDouble(bits)),
            TelemetryValueKind.Long => TelemetryValue.Of(bits),
            TelemetryValueKind.Bool => TelemetryValue.Of(bits != 0),
            TelemetryValueKind.Text => TelemetryValue.OfText(Encoding.UTF8.GetString(GetUtf8(index))),
            _ => TelemetryValue.OfJson(Encoding.UTF8.GetString(GetUtf8(index))),
        };
    }
}
