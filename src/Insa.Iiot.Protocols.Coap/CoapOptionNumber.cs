namespace Insa.Iiot.Protocols.Coap;

/// <summary>Option numbers. Odd ones are critical: who does not know one must refuse the message (RFC 7252 §5.4.1).</summary>
public static class CoapOptionNumber
{
    /// <summary>If-Match.</summary>
    public const int IfMatch = 1;

    /// <summary>Uri-Host.</summary>
    public const int UriHost = 3;

    /// <summary>ETag.</summary>
    public const int ETag = 4;

    /// <summary>If-None-Match.</summary>
    public const int IfNoneMatch = 5;

    /// <summary>Observe (RFC 7641).</summary>
    public const int Observe = 6;

    /// <summary>Uri-Port.</summary>
    public const int UriPort = 7;

    /// <summary>Location-Path.</summary>
    public const int LocationPath = 8;

    /// <summary>OSCORE (RFC 8613).</summary>
    public const int Oscore = 9;

    /// <summary>Uri-Path.</summary>
    public const int UriPath = 11;

    /// <summary>Content-Format.</summary>
    public const int ContentFormat = 12;

    /// <summary>Max-Age, in seconds; 60 where it is absent.</summary>
    public const int MaxAge = 14;

    /// <summary>Uri-Query.</summary>
    public const int UriQuery = 15;

    /// <summary>Accept.</summary>
    public const int Accept = 17;

    /// <summary>Location-Query.</summary>
    public const int LocationQuery = 20;

    /// <summary>Block2: a part of a response (RFC 7959).</summary>
    public const int Block2 = 23;

    /// <summary>Block1: a part of a request (RFC 7959).</summary>
    public const int Block1 = 27;

    /// <summary>Size2: the size of a response.</summary>
    public const int Size2 = 28;

    /// <summary>Proxy-Uri.</summary>
    public const int ProxyUri = 35;

    /// <summary>Proxy-Scheme.</summary>
    public const int ProxyScheme = 39;

    /// <summary>Size1: the size of a request.</summary>
    public const int Size1 = 60;

    /// <summary>Echo (RFC 9175).</summary>
    public const int Echo = 252;

    /// <summary>No-Response (RFC 7967).</summary>
    public const int NoResponse = 258;

    /// <summary>Request-Tag (RFC 9175).</summary>
    public const int RequestTag = 292;
}
