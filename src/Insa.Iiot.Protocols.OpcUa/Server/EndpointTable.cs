using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.Server;

/// <summary>The endpoints: each policy with each mode that is allowed (Part 4 §7.14).</summary>
internal sealed class EndpointTable
{
    public const string BinaryTransport = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary";

    private const int MaxUrlLength = 4096;

    private readonly ServerIdentity _server;
    private readonly IReadOnlyList<Endpoint> _endpoints;

    public EndpointTable(ServerIdentity server, IOptions<OpcUaServerOptions> options)
    {
        _server = server;
        AllowsUnsecured = options.Value.AllowUnsecured;
        AllowsSignOnly = options.Value.AllowSignOnly;
        var endpoints = new List<Endpoint>();

        // Without security a password is still encrypted, by what every client knows.
        var forPasswords = server.Policies.FirstOrDefault(p => p == SecurityPolicy.Basic256Sha256) ?? SecurityPolicy.Basic256Sha256;
        if (AllowsUnsecured)
            endpoints.Add(new Endpoint(SecurityPolicy.None, MessageSecurityMode.None, 0, Tokens(SecurityPolicy.None, forPasswords)));
        foreach (var policy in server.Policies)
        {
            var tokens = Tokens(policy, policy);
            if (AllowsSignOnly)
                endpoints.Add(new Endpoint(policy, MessageSecurityMode.Sign, (byte)(policy.Level * 10), tokens));
            endpoints.Add(new Endpoint(policy, MessageSecurityMode.SignAndEncrypt, (byte)(policy.Level * 10 + 100), tokens));
        }

        // Best first: there are clients that take the first one.
        _endpoints = [.. endpoints.OrderByDescending(endpoint => endpoint.Level)];

        TokenPolicy[] Tokens(SecurityPolicy channel, SecurityPolicy secured)
        {
            var tokens = new List<TokenPolicy>
            {
                new($"username_{channel.Name}", UserTokenType.UserName, secured),
                new($"certificate_{channel.Name}", UserTokenType.Certificate, secured),
            };
            if (options.Value.AnonymousTenant is not null)
                tokens.Add(new TokenPolicy($"anonymous_{channel.Name}", UserTokenType.Anonymous, SecurityPolicy.None));
            return [.. tokens];
        }
    }

    public bool AllowsUnsecured { get; }

    public bool AllowsSignOnly { get; }

    /// <summary>Describes all endpoints to a client, with the host by which it has reached the server: another may lead nowhere.</summary>
    public EndpointDescription[] Describe(string? endpointUrl)
    {
        var url = UrlOf(endpointUrl);
        return [.. _endpoints.Select(endpoint => Describe(endpoint, url, withCertificate: true))];
    }

    /// <summary>The same for CreateSession, where the client only compares: the certificate is left out of all but the channel's own.</summary>
    public EndpointDescription[] DescribeFor(ChannelSecurity channel, string? endpointUrl)
    {
        var url = UrlOf(endpointUrl);
        return [.. _endpoints.Select(endpoint => Describe(endpoint, url, withCertificate: endpoint.IsOf(channel)))];
    }

    /// <summary>Finds a way to sign in by its id, among those of a channel's endpoint.</summary>
    public TokenPolicy? FindToken(ChannelSecurity channel, string? policyId)
    {
        foreach (var endpoint in _endpoints)
        {
            if (endpoint.IsOf(channel))
                return Array.Find(endpoint.Tokens, token => token.Id == policyId);
        }

        return null;
    }

    /// <summary>An address that can be said back to a client.</summary>
    public static string UrlOf(string? endpointUrl) =>
        endpointUrl is { Length: > 0 and <= MaxUrlLength } ? endpointUrl : "opc.tcp://localhost:4840";

    private EndpointDescription Describe(Endpoint endpoint, string url, bool withCertificate) =>
        new()
        {
            EndpointUrl = url,
            Server = _server.Describe(url),
            ServerCertificate = withCertificate ? _server.Certificate.Der : null,
            SecurityMode = endpoint.Mode,
            SecurityPolicyUri = endpoint.Policy.Uri,
            UserIdentityTokens = [.. endpoint.Tokens.Select(token => token.Describe())],
            TransportProfileUri = BinaryTransport,
            SecurityLevel = endpoint.Level,
        };

    private sealed record Endpoint(SecurityPolicy Policy, MessageSecurityMode Mode, byte Level, TokenPolicy[] Tokens)
    {
        public bool IsOf(ChannelSecurity channel) => channel.Policy == Policy && channel.Mode == Mode;
    }
}
