using System.Globalization;

namespace Insa.Iiot;

/// <summary>One telemetry value outside the hot path: what readers return.</summary>
public readonly record struct TelemetryValue
{
    private readonly long _bits;
    private readonly string? _text;

    private TelemetryValue(TelemetryValueKind kind, long bits, string? text) => (Kind, _bits, _text) = (kind, bits, text);

    /// <summary>The type of the value.</summary>
    public TelemetryValueKind Kind { get; }

    /// <summary>Whether the value is a <see cref="TelemetryValueKind.Double"/> or a <see cref="TelemetryValueKind.Long"/>.</summary>
    public bool IsNumber => Kind is TelemetryValueKind.Double or TelemetryValueKind.Long;

    /// <summary>Makes a number.</summary>
    public static TelemetryValue Of(double value) => new(TelemetryValueKind.Double, BitConverter.DoubleToInt64Bits(value), null);

    /// <summary>Makes a 64-bit integer.</summary>
    public static TelemetryValue Of(long value) => new(TelemetryValueKind.Long, value, null);

    /// <summary>Makes a boolean.</summary>
    public static TelemetryValue Of(bool value) => new(TelemetryValueKind.Bool, value ? 1 : 0, null);

    /// <summary>Makes a text.</summary>
    public static TelemetryValue OfText(string value) => new(TelemetryValueKind.Text, 0, value);

    /// <summary>Makes a JSON value from its text, which is not checked.</summary>
    public static TelemetryValue OfJson(string json) => new(TelemetryValueKind.Json, 0, json);

    /// <summary>The number; a <see cref="TelemetryValueKind.Long"/> is converted, and a <see cref="TelemetryValueKind.Bool"/> is 1 or 0.</summary>
    /// <exception cref="InvalidOperationException">The value is text or JSON.</exception>
    public double AsDouble() =>
        Kind switch
        {
            TelemetryValueKind.Double => BitConverter.Int64BitsToDouble(_bits),
            TelemetryValueKind.Long or TelemetryValueKind.Bool => _bits,
            _ => throw Mismatch(),
        };

    /// <summary>The 64-bit integer.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public long AsLong() => Kind == TelemetryValueKind.Long ? _bits : throw Mismatch();

    /// <summary>The boolean.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public bool AsBool() => Kind == TelemetryValueKind.Bool ? _bits != 0 : throw Mismatch();

    /// <summary>The text, or the JSON as text.</summary>
    /// <exception cref="InvalidOperationException">The value is a number or a boolean.</exception>
    public string AsText() => _text ?? throw Mismatch();

    /// <returns>The value in the invariant culture.</returns>
    public override string ToString() =>
        Kind switch
        {
            TelemetryValueKind.Double => AsDouble().ToString("R", CultureInfo.InvariantCulture),
            TelemetryValueKind.Long => _bits.ToString(CultureInfo.InvariantCulture),
            TelemetryValueKind.Bool => _bits != 0 ? "true" : "false",
            _ => _text ?? "",
        };

    private InvalidOperationException Mismatch() => new($"The value is a {Kind}.");
}
