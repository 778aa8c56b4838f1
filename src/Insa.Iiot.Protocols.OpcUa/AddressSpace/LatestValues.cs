namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>The newest values of a device in columns, one place per slot of its shape.</summary>
internal sealed class LatestValues(MetricShape shape)
{
    public static readonly LatestValues None = new(MetricShape.MakeRoot());

    private readonly long[] _bits = new long[shape.Count];
    private readonly long[] _ticks = new long[shape.Count];
    private readonly byte[] _kinds = new byte[shape.Count];
    private byte[]?[]? _texts;

    public MetricShape Shape => shape;

    public LatestValue this[int slot]
    {
        get =>
            new((TelemetryValueKind)(_kinds[slot] >> 4), (TelemetryQuality)(_kinds[slot] & 0xF), _bits[slot], _texts?[slot], _ticks[slot]);
        set
        {
            _bits[slot] = value.Bits;
            _ticks[slot] = value.Ticks;
            _kinds[slot] = (byte)(((int)value.Kind << 4) | ((int)value.Quality & 0xF));
            if (value.Text is null && _texts is null)
                return;
            _texts ??= new byte[]?[shape.Count];
            _texts[slot] = value.Text;
        }
    }

    /// <summary>When the value in a slot is of, in UTC ticks; 0 if there is none.</summary>
    public long TicksOf(int slot) => _ticks[slot];

    /// <summary>The same values with places for the metrics of a larger shape.</summary>
    public LatestValues Grow(MetricShape larger)
    {
        var grown = new LatestValues(larger);
        for (var slot = 0; slot < shape.Count; slot++)
            grown[slot] = this[slot];
        return grown;
    }
}
