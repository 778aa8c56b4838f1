namespace Insa.Iiot.Protocols.Coap;

/// <summary>How the server listens and what it bounds. Checked when the host starts.</summary>
public sealed class CoapServerOptions
{
    private readonly List<CoapResource> _resources = [];

    /// <summary>The addresses to listen on. Default none: add at least one.</summary>
    public IList<CoapListenerOptions> Listeners { get; } = [];

    /// <summary>The resources beside the server's own, see <see cref="Map"/>.</summary>
    public IReadOnlyList<CoapResource> Resources => _resources;

    /// <summary>How long an answer waits for its commit before the request is acknowledged apart from it (RFC 7252 §5.2.2). Default 1 s; 10 ms to 1.5 s.</summary>
    public TimeSpan PiggybackWindow { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>ACK_TIMEOUT of what the server sends (RFC 7252 §4.8). Default 2 s; 1 to 30 s.</summary>
    public TimeSpan AckTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>MAX_RETRANSMIT of what the server sends (RFC 7252 §4.8). Default 4; 0 to 10.</summary>
    public int MaxRetransmit { get; set; } = 4;

    /// <summary>The most peers whose messages are told from their duplicates, per listener. Default 100,000; 1 to 10,000,000. More are told 5.03.</summary>
    public int MaxPeers { get; set; } = 100_000;

    /// <summary>The most messages per listener that wait for their commit. Default 262,144; 1 to 10,000,000. More are told 5.03.</summary>
    public int MaxPendingMessages { get; set; } = 262_144;

    /// <summary>The most requests per listener that handlers are at work on. Default 1,024; 1 to 100,000. More are told 5.03.</summary>
    public int MaxPendingRequests { get; set; } = 1024;

    /// <summary>The most observers per listener. Default 50,000; 0 to 10,000,000. More get an answer without being observers.</summary>
    public int MaxObservers { get; set; } = 50_000;

    /// <summary>The most observers per peer. Default 16; 0 to 1,000.</summary>
    public int MaxObserversPerPeer { get; set; } = 16;

    /// <summary>The largest body of a request in blocks, in bytes. Default 256 KiB; 1 KiB to 16 MiB. Larger is told 4.13.</summary>
    public int MaxBodyBytes { get; set; } = 256 * 1024;

    /// <summary>The most bytes per listener of bodies that are not whole yet, or not all sent. Default 32 MiB; 1 MiB to 1 GiB.</summary>
    public int MaxBlockwiseBytes { get; set; } = 32 * 1024 * 1024;

    /// <summary>How long a token, or an OSCORE context, stands for its device without being checked again. Default 30 s; 1 s to 1 hour.</summary>
    public TimeSpan TokenLifetime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The most DTLS sessions, or OSCORE contexts, per listener. Default 10,000; 1 to 1,000,000. Beyond it those that are silent longest end.</summary>
    public int MaxSessions { get; set; } = 10_000;

    /// <summary>How long a handshake of DTLS or TLS may take, and the first message of a connection (RFC 8323 §5.3). Default 10 s; 1 s to 60 s.</summary>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The most connections at once, by TCP, TLS and WebSocket together. Default 10,000; 1 to 1,000,000. Counted before a handshake of TLS; more are closed before they are read.</summary>
    public int MaxConnections { get; set; } = 10_000;

    /// <summary>The largest message of a connection, in bytes; told to clients (RFC 8323 §5.3.1). Default 64 KiB; 1,152 bytes to 16 MiB. A larger body comes in blocks.</summary>
    public int MaxMessageBytes { get; set; } = 64 * 1024;

    /// <summary>
    /// The most bytes of answers and notifications that wait for connections to be read, all together. Default 256 MiB; 1 MiB to 1 GiB. When half of it is
    /// taken, a connection keeps its share of the other half, and one that needs more is cut off: it reads too slowly.
    /// </summary>
    public int MaxOutputBytes { get; set; } = 256 * 1024 * 1024;

    /// <summary>How long a connection may be silent before a known device is asked whether it is there, and any other is closed. Default 5 minutes; 1 s to 1 day.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether WebSocket without TLS may be used from other machines. Default <see langword="false"/>. Behind a proxy that ends TLS, forwarded headers tell of it.</summary>
    public bool AllowsPlainWebSocketBeyondLoopback { get; set; }

    /// <summary>Adds a resource; give it handlers by <see cref="CoapResource.On"/>.</summary>
    /// <param name="path">Its path, segments joined by <c>/</c>, without one in front.</param>
    /// <exception cref="ArgumentException">The path is not one, or is taken.</exception>
    public CoapResource Map(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path.StartsWith('/') || path.EndsWith('/') || path.Contains("//", StringComparison.Ordinal))
            throw new ArgumentException($"'{path}' must be segments joined by single slashes.", nameof(path));
        if (_resources.Any(resource => resource.Path == path))
            throw new ArgumentException($"'{path}' is taken.", nameof(path));
        var added = new CoapResource(path);
        _resources.Add(added);
        return added;
    }
}
