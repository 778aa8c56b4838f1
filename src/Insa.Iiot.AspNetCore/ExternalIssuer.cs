namespace Insa.Iiot.AspNetCore;

/// <summary>An OpenID Connect issuer whose users may sign in here.</summary>
public sealed class ExternalIssuer
{
    /// <summary>The issuer's address, such as <c>https://login.example.com/realms/plant</c>; its keys are read from <c>/.well-known/openid-configuration</c> below it.</summary>
    public string Authority { get; set; } = "";

    /// <summary>The audience that its tokens must have for us: our client id there.</summary>
    public string Audience { get; set; } = "";

    /// <summary>Whether keys may be read without TLS: for issuers on loopback in development. Default no.</summary>
    public bool AllowHttp { get; set; }
}
