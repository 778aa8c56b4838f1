namespace Insa.Iiot;

/// <summary>A payload format: its media type and, where it has one, its CoAP content-format number (RFC 7252 §12.3).</summary>
/// <remarks>Compared by reference; a decoder owns the instance of its format.</remarks>
public sealed class PayloadFormat
{
    /// <summary>Makes a format.</summary>
    /// <param name="mediaType">The media type in lower case, without parameters.</param>
    /// <param name="coapContentFormat">The CoAP content-format number, if registered.</param>
    public PayloadFormat(string mediaType, int? coapContentFormat = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(mediaType);
        MediaType = mediaType;
        CoapContentFormat = coapContentFormat;
    }

    /// <summary>The platform's JSON: one object or an array of <c>{"device_id":"…","data":{…},"timestamp":…}</c>.</summary>
    public static PayloadFormat Json { get; } = new("application/json", 50);

    /// <summary>The same as <see cref="Json"/> in CBOR (RFC 8949).</summary>
    public static PayloadFormat Cbor { get; } = new("application/cbor", 60);

    /// <summary>SenML in JSON (RFC 8428).</summary>
    public static PayloadFormat SenmlJson { get; } = new("application/senml+json", 110);

    /// <summary>SenML in CBOR (RFC 8428).</summary>
    public static PayloadFormat SenmlCbor { get; } = new("application/senml+cbor", 112);

    /// <summary>One bare value as text; the metric is named by the address of the message.</summary>
    public static PayloadFormat Scalar { get; } = new("text/plain", 0);

    /// <summary>The media type in lower case, without parameters.</summary>
    public string MediaType { get; }

    /// <summary>The CoAP content-format number, if registered.</summary>
    public int? CoapContentFormat { get; }

    /// <returns>The media type.</returns>
    public override string ToString() => MediaType;
}
