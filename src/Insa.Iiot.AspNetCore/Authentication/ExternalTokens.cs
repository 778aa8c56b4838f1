using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Insa.Iiot.AspNetCore.Authentication;

/// <summary>Checks tokens of other issuers (OpenID Connect Core §3.1.3.7) by the keys that these publish.</summary>
internal sealed class ExternalTokens
{
    private const int MaxLength = 16 * 1024;

    // An issuer that would let its users choose how tokens are checked is none.
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256,
        SecurityAlgorithms.RsaSha384,
        SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256,
        SecurityAlgorithms.EcdsaSha256,
        SecurityAlgorithms.EcdsaSha384,
    ];

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly (ExternalIssuer Issuer, ConfigurationManager<OpenIdConnectConfiguration> Configuration)[] _issuers;
    private readonly TimeProvider _time;

    public ExternalTokens(IOptions<RestApiOptions> options, TimeProvider time)
    {
        _time = time;
        _issuers =
        [
            .. options.Value.ExternalIssuers.Select(issuer =>
                (
                    issuer,
                    new ConfigurationManager<OpenIdConnectConfiguration>(
                        issuer.Authority.TrimEnd('/') + "/.well-known/openid-configuration",
                        new OpenIdConnectConfigurationRetriever(),
                        new HttpDocumentRetriever { RequireHttps = !issuer.AllowHttp }
                    )
                )
            ),
        ];
    }

    /// <returns>The verified address of whom the token is of; <see langword="null"/> if it does not hold.</returns>
    /// <exception cref="TelemetryStoreException">The issuer's keys cannot be read.</exception>
    public async ValueTask<string?> ReadEmailAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length > MaxLength || !_handler.CanReadToken(token))
            return null;
        var named = _handler.ReadJsonWebToken(token).Issuer;
        TelemetryStoreException? away = null;
        foreach (var (issuer, manager) in _issuers)
        {
            OpenIdConnectConfiguration configuration;
            try
            {
                configuration = await manager.GetConfigurationAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (InvalidOperationException e)
            {
                // Its name is not known, but the token may still be of one of the others.
                away = new TelemetryStoreException($"The issuer {issuer.Authority} cannot be reached.", isTransient: true, e);
                continue;
            }

            if (configuration.Issuer == named)
                return await ReadEmailAsync(token, issuer, configuration, manager).ConfigureAwait(false);
        }

        return away is null ? null : throw away;
    }

    private async ValueTask<string?> ReadEmailAsync(
        string token,
        ExternalIssuer issuer,
        OpenIdConnectConfiguration configuration,
        ConfigurationManager<OpenIdConnectConfiguration> manager
    )
    {
        var result = await _handler
            .ValidateTokenAsync(
                token,
                new TokenValidationParameters
                {
                    ValidIssuer = configuration.Issuer,
                    ValidAudience = issuer.Audience,
                    ValidAlgorithms = Algorithms,
                    IssuerSigningKeys = configuration.SigningKeys,
                    RequireExpirationTime = true,
                    RequireSignedTokens = true,
                    LifetimeValidator = (notBefore, expires, _, _) =>
                        !(notBefore > _time.GetUtcNow().UtcDateTime.AddSeconds(30)) && _time.GetUtcNow().UtcDateTime < expires,
                }
            )
            .ConfigureAwait(false);
        if (result.Exception is SecurityTokenSignatureKeyNotFoundException)
            manager.RequestRefresh();
        return
            result.IsValid
            && result.Claims.TryGetValue("email_verified", out var verified)
            && verified is true or "true"
            && result.Claims.TryGetValue("email", out var email)
            ? email as string
            : null;
    }
}
