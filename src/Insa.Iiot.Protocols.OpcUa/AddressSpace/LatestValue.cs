namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>The newest value of a metric.</summary>
/// <param name="Kind">The type of the value.</param>
/// <param name="Quality">How far to trust it.</param>
/// <param name="Bits">The 64 bits of a number or boolean, as <see cref="TelemetryFrame.Bits"/> has them.</param>
/// <param name="Text">The UTF-8 bytes of text or JSON; not to be changed.</param>
/// <param name="Ticks">When, in UTC ticks of <see cref="DateTime"/>; 0 if there is no value.</param>
internal readonly record struct LatestValue(TelemetryValueKind Kind, TelemetryQuality Quality, long Bits, byte[]? Text, long Ticks);
