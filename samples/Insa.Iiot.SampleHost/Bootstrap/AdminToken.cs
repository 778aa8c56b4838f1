using System.Security.Cryptography;
using System.Text;

namespace Insa.Iiot.SampleHost.Bootstrap;

/// <summary>Checks the bearer token of the host's administrator.</summary>
internal sealed class AdminToken
{
    private byte[]? _hash;
    private TenantId _tenant;

    public void Set(TenantId tenant, string token) => (_tenant, _hash) = (tenant, SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    /// <returns>The tenant that the token is of, or <see langword="null"/>.</returns>
    public TenantId? Check(string? authorization)
    {
        const string Scheme = "Bearer ";
        if (_hash is null || authorization?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) != true)
            return null;
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(authorization[Scheme.Length..].Trim()));
        return CryptographicOperations.FixedTimeEquals(hash, _hash) ? _tenant : null;
    }
}
