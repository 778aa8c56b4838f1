namespace Insa.Iiot.Protocols.Coap;

/// <summary>A request method or a response code, such as 2.04 (RFC 7252 §12.1).</summary>
/// <param name="Value">The byte on the wire: three bits of class, five of detail.</param>
public readonly record struct CoapCode(byte Value)
{
    /// <summary>0.01 GET.</summary>
    public static CoapCode Get => new(0x01);

    /// <summary>0.02 POST.</summary>
    public static CoapCode Post => new(0x02);

    /// <summary>0.03 PUT.</summary>
    public static CoapCode Put => new(0x03);

    /// <summary>0.04 DELETE.</summary>
    public static CoapCode Delete => new(0x04);

    /// <summary>0.05 FETCH (RFC 8132).</summary>
    public static CoapCode Fetch => new(0x05);

    /// <summary>0.06 PATCH (RFC 8132).</summary>
    public static CoapCode Patch => new(0x06);

    /// <summary>0.07 iPATCH (RFC 8132).</summary>
    public static CoapCode IPatch => new(0x07);

    /// <summary>2.01 Created.</summary>
    public static CoapCode Created => new(0x41);

    /// <summary>2.02 Deleted.</summary>
    public static CoapCode Deleted => new(0x42);

    /// <summary>2.03 Valid.</summary>
    public static CoapCode Valid => new(0x43);

    /// <summary>2.04 Changed.</summary>
    public static CoapCode Changed => new(0x44);

    /// <summary>2.05 Content.</summary>
    public static CoapCode Content => new(0x45);

    /// <summary>2.31 Continue (RFC 7959).</summary>
    public static CoapCode Continue => new(0x5F);

    /// <summary>4.00 Bad Request.</summary>
    public static CoapCode BadRequest => new(0x80);

    /// <summary>4.01 Unauthorized.</summary>
    public static CoapCode Unauthorized => new(0x81);

    /// <summary>4.02 Bad Option.</summary>
    public static CoapCode BadOption => new(0x82);

    /// <summary>4.03 Forbidden.</summary>
    public static CoapCode Forbidden => new(0x83);

    /// <summary>4.04 Not Found.</summary>
    public static CoapCode NotFound => new(0x84);

    /// <summary>4.05 Method Not Allowed.</summary>
    public static CoapCode MethodNotAllowed => new(0x85);

    /// <summary>4.06 Not Acceptable.</summary>
    public static CoapCode NotAcceptable => new(0x86);

    /// <summary>4.08 Request Entity Incomplete (RFC 7959).</summary>
    public static CoapCode RequestEntityIncomplete => new(0x88);

    /// <summary>4.09 Conflict (RFC 8132).</summary>
    public static CoapCode Conflict => new(0x89);

    /// <summary>4.12 Precondition Failed.</summary>
    public static CoapCode PreconditionFailed => new(0x8C);

    /// <summary>4.13 Request Entity Too Large.</summary>
    public static CoapCode RequestEntityTooLarge => new(0x8D);

    /// <summary>4.15 Unsupported Content-Format.</summary>
    public static CoapCode UnsupportedContentFormat => new(0x8F);

    /// <summary>4.22 Unprocessable Entity (RFC 8132).</summary>
    public static CoapCode UnprocessableEntity => new(0x96);

    /// <summary>4.29 Too Many Requests (RFC 8516).</summary>
    public static CoapCode TooManyRequests => new(0x9D);

    /// <summary>5.00 Internal Server Error.</summary>
    public static CoapCode InternalServerError => new(0xA0);

    /// <summary>5.01 Not Implemented.</summary>
    public static CoapCode NotImplemented => new(0xA1);

    /// <summary>5.03 Service Unavailable.</summary>
    public static CoapCode ServiceUnavailable => new(0xA3);

    /// <summary>5.05 Proxying Not Supported.</summary>
    public static CoapCode ProxyingNotSupported => new(0xA5);

    /// <summary>The class: 0 for requests, 2 for success, 4 and 5 for errors, 7 for signals.</summary>
    public int Class => Value >> 5;

    /// <summary>The detail, 0 to 31.</summary>
    public int Detail => Value & 0x1F;

    /// <summary>Whether it is a request method.</summary>
    public bool IsRequest => Class == 0 && Value != 0;

    /// <summary>Whether it is a response.</summary>
    public bool IsResponse => Class is 2 or 4 or 5;

    /// <summary>Whether it is a response of success.</summary>
    public bool IsSuccess => Class == 2;

    /// <returns>Such as <c>2.04</c>.</returns>
    public override string ToString() => $"{Class}.{Detail:00}";
}
