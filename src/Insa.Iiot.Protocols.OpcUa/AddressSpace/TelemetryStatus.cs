using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>The quality of telemetry as a status code (OPC 10000-8 §6.3.2), and back. A status keeps its severity and whether the value was put in; nothing else.</summary>
internal static class TelemetryStatus
{
    private const TelemetryQuality Severity = TelemetryQuality.Uncertain | TelemetryQuality.Bad;

    public static StatusCode Of(TelemetryQuality quality)
    {
        var isSubstituted = (quality & TelemetryQuality.Substituted) != TelemetryQuality.Good;
        return (quality & Severity) switch
        {
            TelemetryQuality.Good => isSubstituted ? StatusCodes.GoodLocalOverride : StatusCodes.Good,
            TelemetryQuality.Uncertain => isSubstituted ? StatusCodes.UncertainSubstituteValue : StatusCodes.Uncertain,
            _ => StatusCodes.Bad,
        };
    }

    public static TelemetryQuality ToQuality(StatusCode status)
    {
        var code = status.Code;
        if (code == StatusCodes.GoodLocalOverride)
            return TelemetryQuality.Substituted;
        if (code == StatusCodes.UncertainSubstituteValue)
            return TelemetryQuality.Uncertain | TelemetryQuality.Substituted;
        return status switch
        {
            { IsGood: true } => TelemetryQuality.Good,
            { IsUncertain: true } => TelemetryQuality.Uncertain,
            _ => TelemetryQuality.Bad,
        };
    }
}
