using System.ComponentModel;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Authorities of devices' certificates, and what is revoked of them.</summary>
internal static class AuthorityContracts
{
    internal sealed record Authority(
        [property: Description("SHA-256 over the certificate's DER, in hexadecimal.")] string Id,
        string Name,
        string Subject,
        DateTime NotBefore,
        DateTime NotAfter,
        DateTime CreatedAt
    );

    internal sealed record AuthorityList(IReadOnlyList<Authority> Items);

    internal sealed record NewAuthority(
        [property: Description("The authority's certificate in PEM, root or intermediate; never its key.")] string Certificate,
        [property: Description("1 to 100 characters.")] string Name
    );

    internal sealed record Revocation(
        [property: Description("The certificate's serial number in hexadecimal.")] string Serial,
        DateTime RevokedAt
    );

    internal sealed record NewRevocation(
        [property: Description("The certificate's serial number in hexadecimal, with or without colons.")] string Serial
    );
}
