namespace Insa.Iiot.Protocols.Coap.Telemetry;

/// <summary>Finds the payload's format by its content-format number. JSON where none is said.</summary>
internal sealed class TelemetryFormats(ITelemetryIngress ingress)
{
    private readonly PayloadFormat? _bytes = ingress.FindFormat("application/octet-stream"u8);

    /// <param name="contentFormat">The number; negative if none is said.</param>
    /// <param name="hasMetric">Whether the path names a metric, and so the payload is a bare value.</param>
    public PayloadFormat? Find(int contentFormat, bool hasMetric) =>
        contentFormat switch
        {
            < 0 => hasMetric ? PayloadFormat.Scalar : PayloadFormat.Json,
            CoapContentFormat.Json => PayloadFormat.Json,
            CoapContentFormat.Cbor => PayloadFormat.Cbor,
            CoapContentFormat.SenmlJson => PayloadFormat.SenmlJson,
            CoapContentFormat.SenmlCbor => PayloadFormat.SenmlCbor,
            CoapContentFormat.Text when hasMetric => PayloadFormat.Scalar,
            CoapContentFormat.OctetStream => _bytes,
            _ => null,
        };
}
