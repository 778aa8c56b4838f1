namespace Insa.Iiot.Protocols.Mqtt.Packets;

/// <summary>The topics telemetry comes by: <c>telemetry</c>, <c>telemetry/{device}</c>, <c>telemetry/{device}/{metric}</c>.</summary>
internal static class TelemetryTopic
{
    /// <returns><see langword="false"/> for any other topic.</returns>
    public static bool TryRead(ReadOnlySpan<byte> topic, out ReadOnlySpan<byte> device, out ReadOnlySpan<byte> metric)
    {
        device = default;
        metric = default;
        if (!topic.StartsWith("telemetry"u8))
            return false;
        var rest = topic["telemetry"u8.Length..];
        if (rest.IsEmpty)
            return true;
        if (rest[0] != '/')
            return false;
        rest = rest[1..];
        var slash = rest.IndexOf((byte)'/');
        device = slash < 0 ? rest : rest[..slash];
        if (slash >= 0)
            metric = rest[(slash + 1)..];
        return !device.IsEmpty && (slash < 0 || !metric.IsEmpty);
    }
}
