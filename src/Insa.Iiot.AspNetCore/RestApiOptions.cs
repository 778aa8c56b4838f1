namespace Insa.Iiot.AspNetCore;

/// <summary>How people and programs sign in, and how long what they get is good for. Checked when the host starts.</summary>
public sealed class RestApiOptions
{
    /// <summary>Who issues access tokens (RFC 7519 §4.1.1). Default <c>insa-iiot</c>. Hosts over one store must agree on it.</summary>
    public string Issuer { get; set; } = "insa-iiot";

    /// <summary>Whom access tokens are for (RFC 7519 §4.1.3). Default <c>insa-iiot-api</c>. Hosts over one store must agree on it.</summary>
    public string Audience { get; set; } = "insa-iiot-api";

    /// <summary>How long an access token is good for. Default 15 minutes; 1 minute to 1 hour.</summary>
    public TimeSpan AccessTokenLifetime { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a key signs access tokens until another one does. Default 30 days; 1 day to 1 year.</summary>
    public TimeSpan SigningKeyLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How often one address (of IPv6, one /64) may try to sign in, and as often again show refresh tokens in vain; and
    /// how often one user may refresh sessions. Default <c>10:10,60:600</c>: 10 in 10 seconds and 60 in 10 minutes.
    /// </summary>
    public string SignInRate { get; set; } = "10:10,60:600";

    /// <summary>How many requests one user or API key may make, on one host. Default <c>100:1,3000:60</c>: 100 in a second and 3,000 in a minute.</summary>
    public string CallerRate { get; set; } = "100:1,3000:60";

    /// <summary>How many requests all callers of one tenant may make, on one host. Default <c>500:1,15000:60</c>.</summary>
    public string TenantRate { get; set; } = "500:1,15000:60";

    /// <summary>How often all of one tenant may invite somebody, on one host: mail is sent in the host's name. Default <c>20:60,200:3600</c>.</summary>
    public string InvitationRate { get; set; } = "20:60,200:3600";

    /// <summary>
    /// Other issuers (OpenID Connect) whose tokens can be exchanged for ours at <c>POST /api/v1/auth/exchange</c>. The account is that of the
    /// token's verified e-mail address. None by default.
    /// </summary>
    public IList<ExternalIssuer> ExternalIssuers { get; } = [];
}
