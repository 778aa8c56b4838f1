using Insa.Iiot.Protocols.Coap.Client;

namespace Insa.Iiot.Protocols.Coap;

/// <summary>A client of one CoAP server (RFC 7252), with blocks (RFC 7959) and observations (RFC 7641). Thread-safe.</summary>
/// <remarks>
/// Requests wait for each other as <see cref="CoapClientOptions.Nstart"/> says. A client sends up to 65,536 messages in 247 s, the lifetime of
/// a message id, about 265 a second for long: who needs more makes several. Neither is so over a connection, by <c>coap+tcp</c>, <c>coaps+tcp</c>,
/// <c>coap+ws</c> and <c>coaps+ws</c>: there requests leave at once, as many as <see cref="CoapClientOptions.MaxPendingRequests"/>.
/// </remarks>
public sealed partial class CoapClient : IAsyncDisposable
{
    private const string PlainScheme = "coap";
    private const string SecureScheme = "coaps";
    private const string PlainTcpScheme = "coap+tcp";
    private const string SecureTcpScheme = "coaps+tcp";
    private const string PlainWebSocketScheme = "coap+ws";
    private const string SecureWebSocketScheme = "coaps+ws";
    private const int PlainPort = 5683;
    private const int SecurePort = 5684;
    private const int PlainWebSocketPort = 80;
    private const int SecureWebSocketPort = 443;

    private readonly CoapClientOptions _options;
    private readonly string? _uriHost;
    private readonly MessageLayer _layer;
    private readonly Requester _requester;
    private readonly BodyTransfer _bodies;

    /// <param name="transport">Carries the datagrams; the client's from now on.</param>
    /// <param name="options">Checked options.</param>
    /// <param name="uriHost">The server's name; none if it was given as an address (RFC 7252 §6.4).</param>
    internal CoapClient(ICoapClientTransport transport, CoapClientOptions options, string? uriHost)
    {
        _options = options;
        _uriHost = uriHost;
        _layer = new MessageLayer(transport, options);
        _requester = new Requester(_layer, options);
        _bodies = new BodyTransfer(_requester, _layer, options);
    }

    /// <summary>
    /// Makes a client of a server. By <c>coap</c> nothing is sent: <see cref="PingAsync"/> tells whether it is there. By <c>coaps</c> a DTLS session is
    /// made, by <c>coap+tcp</c> and <c>coaps+tcp</c> a connection, by <c>coap+ws</c> and <c>coaps+ws</c> a WebSocket (RFC 8323). What is over stays so: then make another client.
    /// </summary>
    /// <param name="uri">
    /// The server, such as <c>coap://192.0.2.7</c>, <c>coaps://[2001:db8::7]:5684</c> or <c>coaps+tcp://plant.example</c>, without a path. Default
    /// ports 5683 and 5684, of WebSockets 80 and 443.
    /// </param>
    /// <param name="options">How to behave.</param>
    /// <param name="cancellationToken">Ends the look-up of the name.</param>
    /// <exception cref="ArgumentException">
    /// The URI is of another form, or an option is out of its range, or <c>Psk</c> is set for <c>coaps+tcp</c> or <c>coaps+ws</c>, or <c>Oscore</c> for another
    /// scheme than <c>coap</c>.
    /// </exception>
    /// <exception cref="CoapException">
    /// The name is not known, or this machine has no way to it: <see cref="CoapError.Unreachable"/>. By all others than <c>coap</c> also
    /// <see cref="CoapError.NotAuthenticated"/>, and <see cref="CoapError.Timeout"/> if no session or connection was made in 10 s.
    /// </exception>
    /// <exception cref="IOException">With <c>Oscore</c>: no sequence numbers can be set aside.</exception>
    public static async Task<CoapClient> ConnectAsync(
        Uri uri,
        CoapClientOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(uri);
        if (
            !uri.IsAbsoluteUri
            || uri.Scheme
                is not (PlainScheme or SecureScheme or PlainTcpScheme or SecureTcpScheme or PlainWebSocketScheme or SecureWebSocketScheme)
            || uri.Host.Length == 0
            || uri.UserInfo.Length > 0
        )
            throw new ArgumentException("A URI such as coap://host:port was expected.", nameof(uri));
        if (uri.AbsolutePath is not ("" or "/") || uri.Query.Length > 0 || uri.Fragment.Length > 0)
            throw new ArgumentException("The URI names a server: path and query belong to the requests.", nameof(uri));

        var known = (options ?? new CoapClientOptions()).ToChecked();
        if (uri.Scheme is SecureTcpScheme or SecureWebSocketScheme && known.Psk is not null)
            throw new ArgumentException("TLS takes no pre-shared key here: use coaps, or a certificate.", nameof(options));
        if (uri.Scheme != PlainScheme && known.Oscore is not null)
            throw new ArgumentException("OSCORE goes with coap, by UDP.", nameof(options));
        var transport = await ConnectTransportAsync(uri, known, cancellationToken).ConfigureAwait(false);
        return new CoapClient(transport, known, uri.HostNameType == UriHostNameType.Dns ? uri.IdnHost : null);
    }

    /// <summary>Sends a request and returns the response, whatever its code: 4.29 and 5.03 too are for the caller to judge.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Ends the wait. The server may have carried the request out all the same.</param>
    /// <exception cref="ArgumentException">An option is of a number or length that is not allowed.</exception>
    /// <exception cref="CoapException">No response came, or none that can be made sense of; see <see cref="CoapError"/>.</exception>
    /// <exception cref="ObjectDisposedException">The client is, or was meanwhile, disposed.</exception>
    public Task<CoapResponse> SendAsync(CoapRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return _bodies.SendAsync(new RequestHead(request, _uriHost), cancellationToken);
    }

    /// <summary>Sends a GET, as <see cref="SendAsync"/> does.</summary>
    /// <param name="path">The path and perhaps a query, such as <c>/time?ticks</c>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<CoapResponse> GetAsync(string path, CancellationToken cancellationToken = default) =>
        SendAsync(new CoapRequest(CoapCode.Get, path), cancellationToken);

    /// <summary>Sends a DELETE, as <see cref="SendAsync"/> does.</summary>
    /// <param name="path">The path and perhaps a query.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<CoapResponse> DeleteAsync(string path, CancellationToken cancellationToken = default) =>
        SendAsync(new CoapRequest(CoapCode.Delete, path), cancellationToken);

    /// <summary>Sends a POST, as <see cref="SendAsync"/> does.</summary>
    /// <param name="path">The path and perhaps a query.</param>
    /// <param name="payload">The body.</param>
    /// <param name="contentFormat">What the body is; see <see cref="CoapContentFormat"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<CoapResponse> PostAsync(
        string path,
        ReadOnlyMemory<byte> payload,
        int contentFormat,
        CancellationToken cancellationToken = default
    ) => SendBodyAsync(CoapCode.Post, path, payload, contentFormat, cancellationToken);

    /// <summary>Sends a PUT, as <see cref="SendAsync"/> does.</summary>
    /// <param name="path">The path and perhaps a query.</param>
    /// <param name="payload">The body.</param>
    /// <param name="contentFormat">What the body is; see <see cref="CoapContentFormat"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<CoapResponse> PutAsync(
        string path,
        ReadOnlyMemory<byte> payload,
        int contentFormat,
        CancellationToken cancellationToken = default
    ) => SendBodyAsync(CoapCode.Put, path, payload, contentFormat, cancellationToken);

    /// <summary>Sends a FETCH (RFC 8132), a GET whose body says what is wanted, as <see cref="SendAsync"/> does.</summary>
    /// <param name="path">The path and perhaps a query.</param>
    /// <param name="payload">The body.</param>
    /// <param name="contentFormat">What the body is; see <see cref="CoapContentFormat"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<CoapResponse> FetchAsync(
        string path,
        ReadOnlyMemory<byte> payload,
        int contentFormat,
        CancellationToken cancellationToken = default
    ) => SendBodyAsync(CoapCode.Fetch, path, payload, contentFormat, cancellationToken);

    /// <summary>Asks whether the server is there (RFC 7252 §4.3).</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CoapException">It did not answer.</exception>
    /// <exception cref="ObjectDisposedException">The client is, or was meanwhile, disposed.</exception>
    public Task PingAsync(CancellationToken cancellationToken = default) => _requester.PingAsync(cancellationToken);

    /// <summary>Closes the socket. What is on its way fails with <see cref="ObjectDisposedException"/>.</summary>
    public ValueTask DisposeAsync() => _layer.DisposeAsync();

    private static async Task<ICoapClientTransport> ConnectTransportAsync(
        Uri uri,
        CoapClientOptions options,
        CancellationToken cancellationToken
    )
    {
        var isSecure = uri.Scheme is SecureScheme or SecureTcpScheme or SecureWebSocketScheme;
        var isTcp = uri.Scheme is PlainTcpScheme or SecureTcpScheme;
        var isWebSocket = uri.Scheme is PlainWebSocketScheme or SecureWebSocketScheme;
        var host = uri.IdnHost;
        var port =
            uri.Port >= 0 ? uri.Port
            : isWebSocket ? (isSecure ? SecureWebSocketPort : PlainWebSocketPort)
            : isSecure ? SecurePort
            : PlainPort;
        if (isTcp || isWebSocket)
        {
            return await StreamClientTransport
                .ConnectAsync(host, port, isSecure, isWebSocket, options, cancellationToken)
                .ConfigureAwait(false);
        }

        if (isSecure)
            return await SecureClientTransport.ConnectAsync(host, port, options, cancellationToken).ConfigureAwait(false);
        var udp = await UdpClientTransport.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
        if (options.Oscore is null)
            return udp;
        try
        {
            return await OscoreClientTransport.StartAsync(udp, options, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await udp.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private Task<CoapResponse> SendBodyAsync(
        CoapCode method,
        string path,
        ReadOnlyMemory<byte> payload,
        int contentFormat,
        CancellationToken cancellationToken
    ) => SendAsync(new CoapRequest(method, path) { Payload = payload, ContentFormat = contentFormat }, cancellationToken);
}
