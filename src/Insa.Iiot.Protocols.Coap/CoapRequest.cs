namespace Insa.Iiot.Protocols.Coap;

/// <summary>A request. It must not be changed while it is on its way; afterwards it may be sent again.</summary>
public sealed class CoapRequest
{
    /// <summary>Makes a request.</summary>
    /// <param name="method">The method, such as <see cref="CoapCode.Get"/>.</param>
    /// <param name="path">
    /// The path and perhaps a query, such as <c>/devices?rt=pump&amp;limit=10</c>, percent-encoded as in a URI (RFC 7252 §6.4).
    /// </param>
    /// <exception cref="ArgumentException">
    /// <paramref name="method"/> is no request method, or a segment or a part of the query exceeds 255 bytes.
    /// </exception>
    public CoapRequest(CoapCode method, string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!method.IsRequest)
            throw new ArgumentException($"A request method was expected, not {method}.", nameof(method));

        Method = method;
        Path = path;
        (PathSegments, Query) = Client.RequestPath.Parse(path);
    }

    /// <summary>The method.</summary>
    public CoapCode Method { get; }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>The query's parts, decoded, such as <c>rt=pump</c>: at first those of the path, to which more can be added. Up to 255 bytes each.</summary>
    public IList<string> Query { get; }

    /// <summary>The body, up to <see cref="CoapClientOptions.MaxBodyBytes"/>. What is larger than a block is sent in blocks (RFC 7959).</summary>
    public ReadOnlyMemory<byte> Payload { get; set; }

    /// <summary>What the body is, 0 to 65,535; see <see cref="CoapContentFormat"/>.</summary>
    public int? ContentFormat { get; set; }

    /// <summary>The content-format wanted, 0 to 65,535; the server answers 4.06 if it has no other.</summary>
    public int? Accept { get; set; }

    /// <summary>Representations the client has: the server answers 2.03 if one of them is current. 1 to 8 bytes each (RFC 7252 §5.10.6).</summary>
    public IList<ReadOnlyMemory<byte>> ETags { get; } = [];

    /// <summary>Only if the resource is one of these, or, with an empty one, exists; else 4.12. 0 to 8 bytes each (RFC 7252 §5.10.8.1).</summary>
    public IList<ReadOnlyMemory<byte>> IfMatch { get; } = [];

    /// <summary>Only if the resource does not exist; else 4.12.</summary>
    public bool IfNoneMatch { get; set; }

    /// <summary>Whether it is sent again until the server acknowledges it. Default <see langword="true"/>.</summary>
    public bool IsConfirmable { get; set; } = true;

    /// <summary>
    /// The responses that are of no interest. With any, <see cref="CoapClient.SendAsync"/> returns when the request is acknowledged, or
    /// sent if it is not confirmable, with a response of code 0.00 if none came by then; one that comes later is dropped. Default
    /// <see cref="CoapNoResponse.None"/> (RFC 7967).
    /// </summary>
    public CoapNoResponse NoResponse { get; set; }

    /// <summary>More options, in any order; Observe, Block1, Block2, Size1, Echo, No-Response and Request-Tag are the client's own.</summary>
    public IList<CoapOption> Options { get; } = [];

    internal IReadOnlyList<string> PathSegments { get; }
}
