using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Access;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Insa.Iiot.AspNetCore.Authentication;

/// <summary>Makes and checks access tokens (RFC 9068, signed as ES256 and in no other way).</summary>
internal sealed class AccessTokens(SigningKeys keys, TimeProvider time, IOptions<RestApiOptions> options)
{
    private const string Type = "at+jwt";
    private const string TenantClaim = "tid";
    private const string VersionClaim = "tver";
    private const string SessionClaim = "sid";
    private const int MaxLength = 4096;

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false, MapInboundClaims = false };

    public async ValueTask<(string Token, DateTime ExpiresAt)> IssueAsync(UserSession session, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var expiresAt = now + options.Value.AccessTokenLifetime;
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            [JwtRegisteredClaimNames.Sub] = session.UserId,
            [JwtRegisteredClaimNames.Jti] = Guid.CreateVersion7(time.GetUtcNow()).ToString("N"),
            [SessionClaim] = session.Id,
            [VersionClaim] = session.TokenVersion,
        };
        if (session.Tenant is { } tenant)
            claims[TenantClaim] = tenant.Value;
        var key = await keys.GetSigningKeyAsync(cancellationToken).ConfigureAwait(false);
        var token = _handler.CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = options.Value.Issuer,
                Audience = options.Value.Audience,
                IssuedAt = now,
                NotBefore = now,
                Expires = expiresAt,
                TokenType = Type,
                Claims = claims,
                SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.EcdsaSha256),
            }
        );
        return (token, expiresAt);
    }

    /// <returns>Whom the token is of and until when; <see langword="null"/> if it does not hold.</returns>
    public async ValueTask<(AccessKey Key, DateTime ExpiresAt)?> ValidateAsync(string text, CancellationToken cancellationToken)
    {
        if (text.Length > MaxLength || !_handler.CanReadToken(text))
            return null;
        var read = Read(text);
        if (read is null || await keys.FindAsync(read.Kid, cancellationToken).ConfigureAwait(false) is not { } key)
            return null;
        var result = await _handler
            .ValidateTokenAsync(
                read,
                new TokenValidationParameters
                {
                    ValidIssuer = options.Value.Issuer,
                    ValidAudience = options.Value.Audience,
                    ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
                    ValidTypes = [Type],
                    IssuerSigningKey = key,
                    RequireExpirationTime = true,
                    RequireSignedTokens = true,
                    LifetimeValidator = IsInTime,
                }
            )
            .ConfigureAwait(false);
        return result.IsValid && Subject(read) is { } subject ? (subject, read.ValidTo) : null;
    }

    private static JsonWebToken? Read(string text)
    {
        try
        {
            return new JsonWebToken(text);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static AccessKey? Subject(JsonWebToken token)
    {
        var tenant = default(TenantId);
        if (
            !token.TryGetPayloadValue<string>(SessionClaim, out var session)
            || string.IsNullOrEmpty(session)
            || string.IsNullOrEmpty(token.Subject)
            || !token.TryGetPayloadValue<long>(VersionClaim, out var version)
            || (token.TryGetPayloadValue<string>(TenantClaim, out var text) && !TenantId.TryParse(text, out tenant))
        )
            return null;
        return new AccessKey(token.Subject, session, tenant, version);
    }

    private bool IsInTime(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = time.GetUtcNow().UtcDateTime;

        // Another host's clock may be a little ahead of ours.
        return notBefore <= now + TimeSpan.FromSeconds(30) && now < expires;
    }
}
