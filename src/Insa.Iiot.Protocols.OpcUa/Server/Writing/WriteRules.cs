using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Server.Writing;

/// <summary>What can be written to a metric, and what is said when it cannot.</summary>
internal static class WriteRules
{
    /// <summary>Turns what was written into telemetry.</summary>
    /// <param name="written">The value, its status and its time.</param>
    /// <param name="current">What the metric has now; without a time for one that has nothing yet, which takes any type.</param>
    /// <param name="ticks">The time to give it if it has none, in UTC ticks.</param>
    /// <param name="value">Is given the telemetry.</param>
    public static StatusCode Convert(in DataValue written, in LatestValue current, long ticks, out LatestValue value)
    {
        value = default;

        // The server's own time is not the client's to set.
        if (written.ServerTimestamp != 0 || written.ServerPicoseconds != 0)
            return StatusCodes.BadWriteNotSupported;
        var time = written.SourceTimestamp == 0 ? ticks : UaDateTime.ToTicks(written.SourceTimestamp);
        var quality = TelemetryStatus.ToQuality(written.Status);
        if (written.Value.IsNull)
        {
            // A status alone is of the value that is there.
            value = current with
            {
                Quality = quality,
                Ticks = time,
            };
            return current.Ticks == 0 || written.Status.IsGood ? StatusCodes.BadTypeMismatch : StatusCodes.Good;
        }

        value = new LatestValue(default, quality, 0, null, time);
        return current.Ticks == 0 ? ConvertFirst(written.Value, ref value) : ConvertNext(written.Value, current.Kind, ref value);
    }

    /// <summary>What a client is told of the ingress's reason.</summary>
    public static StatusCode ToStatus(IngestReason reason) =>
        reason switch
        {
            IngestReason.None => StatusCodes.Good,
            IngestReason.LaneFull
            or IngestReason.Stopping
            or IngestReason.QuotaExceeded
            or IngestReason.RateLimited
            or IngestReason.LayoutLimit => StatusCodes.BadResourceUnavailable,
            IngestReason.TenantInactive or IngestReason.DeviceNotAllowed => StatusCodes.BadUserAccessDenied,
            IngestReason.NotFinite or IngestReason.TimestampInvalid or IngestReason.TimestampOutOfRange or IngestReason.Unstorable =>
                StatusCodes.BadOutOfRange,
            IngestReason.MessageTooLarge or IngestReason.TooDeep or IngestReason.TooManyMetrics => StatusCodes.BadEncodingLimitsExceeded,
            IngestReason.NameTooLong or IngestReason.NameInvalid => StatusCodes.BadNodeIdInvalid,
            IngestReason.Malformed => StatusCodes.BadTypeMismatch,
            _ => StatusCodes.BadInternalError,
        };

    private static StatusCode ConvertNext(in Variant written, TelemetryValueKind kind, ref LatestValue value)
    {
        var expected = kind switch
        {
            TelemetryValueKind.Double => BuiltInType.Double,
            TelemetryValueKind.Long => BuiltInType.Int64,
            TelemetryValueKind.Bool => BuiltInType.Boolean,
            _ => BuiltInType.String,
        };
        if (written.IsArray || written.Type != expected)
            return StatusCodes.BadTypeMismatch;
        var status = ConvertFirst(written, ref value);
        if (kind != TelemetryValueKind.Json || !status.IsGood)
            return status;
        value = value with { Kind = TelemetryValueKind.Json };
        return JsonText.IsValid(value.Text) ? StatusCodes.Good : StatusCodes.BadTypeMismatch;
    }

    private static StatusCode ConvertFirst(in Variant written, ref LatestValue value)
    {
        if (written.IsArray)
            return StatusCodes.BadTypeMismatch;
        switch (written.Type)
        {
            case BuiltInType.Boolean:
                value = value with { Kind = TelemetryValueKind.Bool, Bits = written.Boolean ? 1 : 0 };
                return StatusCodes.Good;
            case BuiltInType.Float or BuiltInType.Double:
                written.TryGetNumber(out var number);
                value = value with { Kind = TelemetryValueKind.Double, Bits = BitConverter.DoubleToInt64Bits(number) };
                return double.IsFinite(number) ? StatusCodes.Good : StatusCodes.BadOutOfRange;
            case BuiltInType.String when written.Text is { } text:
                value = value with { Kind = TelemetryValueKind.Text, Text = System.Text.Encoding.UTF8.GetBytes(text) };
                return StatusCodes.Good;
            case >= BuiltInType.SByte and <= BuiltInType.UInt64:
                var isLong = written.TryGetInteger(out var integer);
                value = value with { Kind = TelemetryValueKind.Long, Bits = integer };
                return isLong ? StatusCodes.Good : StatusCodes.BadOutOfRange;
            default:
                return StatusCodes.BadTypeMismatch;
        }
    }
}
