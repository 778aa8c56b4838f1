namespace Insa.Iiot.Protocols.Coap;

/// <summary>Content-format numbers (RFC 7252 §12.3 and its registry).</summary>
public static class CoapContentFormat
{
    /// <summary>text/plain; charset=utf-8.</summary>
    public const int Text = 0;

    /// <summary>application/link-format (RFC 6690).</summary>
    public const int LinkFormat = 40;

    /// <summary>application/octet-stream.</summary>
    public const int OctetStream = 42;

    /// <summary>application/json.</summary>
    public const int Json = 50;

    /// <summary>application/cbor.</summary>
    public const int Cbor = 60;

    /// <summary>application/senml+json (RFC 8428).</summary>
    public const int SenmlJson = 110;

    /// <summary>application/senml+cbor (RFC 8428).</summary>
    public const int SenmlCbor = 112;

    /// <summary>application/concise-problem-details+cbor (RFC 9290).</summary>
    public const int ProblemDetails = 257;
}
