namespace Insa.Iiot;

/// <summary>The type of one telemetry value. The numbers are stored: never renumber.</summary>
public enum TelemetryValueKind : byte
{
    /// <summary>A finite IEEE 754 double. JSON integers up to 2^53 are doubles too, so that a metric keeps one type.</summary>
    Double = 0,

    /// <summary>A signed 64-bit integer.</summary>
    Long = 1,

    /// <summary>True or false.</summary>
    Bool = 2,

    /// <summary>Text in UTF-8.</summary>
    Text = 3,

    /// <summary>A JSON value in UTF-8 (arrays; objects are flattened).</summary>
    Json = 4,
}
