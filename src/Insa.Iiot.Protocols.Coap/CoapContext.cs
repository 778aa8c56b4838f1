namespace Insa.Iiot.Protocols.Coap;

/// <summary>A request as a handler sees it: whole, whatever blocks it came in.</summary>
public sealed class CoapContext
{
    internal CoapContext(CoapCode method, string path) => (Method, Path) = (method, path);

    /// <summary>The method.</summary>
    public CoapCode Method { get; }

    /// <summary>The path, its segments joined by <c>/</c>, without one in front.</summary>
    public string Path { get; }

    /// <summary>Who asks. <see langword="null"/> only of a resource that lets anyone in.</summary>
    public DeviceSession? Session { get; internal init; }

    /// <summary>The arguments of the query, such as <c>rt=temperature</c>, without a credential.</summary>
    public IReadOnlyList<string> Queries { get; internal init; } = [];

    /// <summary>The body. Valid until the handler has completed.</summary>
    public ReadOnlyMemory<byte> Payload { get; internal init; }

    /// <summary>What the body is, if it is said.</summary>
    public int? ContentFormat { get; internal init; }

    /// <summary>What the answer is to be, if it is said.</summary>
    public int? Accept { get; internal init; }

    /// <summary>The representations the client has (RFC 7252 §5.10.6): answer 2.03 with one of them if it still holds.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> ETags { get; internal init; } = [];

    /// <summary>The representations one of which must hold; an empty value stands for any that exists (RFC 7252 §5.10.8.1).</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> IfMatch { get; internal init; } = [];

    /// <summary>Whether the resource must not exist yet (RFC 7252 §5.10.8.2).</summary>
    public bool IfNoneMatch { get; internal init; }

    /// <summary>Whether an observer is to be told of a change; <see langword="false"/> of a request.</summary>
    internal bool IsNotification { get; init; }

    /// <summary>Finds the argument <c>name=value</c> of the query.</summary>
    /// <returns>Its value, or <see langword="null"/> if there is none.</returns>
    public string? FindQuery(string name)
    {
        foreach (var query in Queries)
        {
            if (query.Length > name.Length && query[name.Length] == '=' && query.StartsWith(name, StringComparison.Ordinal))
                return query[(name.Length + 1)..];
        }

        return null;
    }
}
