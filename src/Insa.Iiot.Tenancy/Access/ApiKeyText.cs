using System.Buffers.Text;
using System.Security.Cryptography;

namespace Insa.Iiot.Tenancy.Access;

/// <summary>An API key as its program shows it: <c>iiot.{tenant}.{id}.{secret}</c>. The tenant is only where to look; the secret's hash decides.</summary>
internal readonly record struct ApiKeyText(TenantId Tenant, string Id, string Secret)
{
    public const string Prefix = "iiot.";

    private const int SecretBytes = 32;
    private const int MaxLength = 200;

    public byte[] SecretHash => SHA256.HashData(Base64Url.DecodeFromChars(Secret));

    public static ApiKeyText New(TenantId tenant, Guid id) =>
        new(tenant, id.ToString("N"), Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes)));

    public static bool TryParse(string text, out ApiKeyText key)
    {
        key = default;
        if (text.Length > MaxLength || !text.StartsWith(Prefix, StringComparison.Ordinal))
            return false;
        var parts = text.Split('.');
        if (
            parts.Length != 4
            || !TenantId.TryParse(parts[1], out var tenant)
            || !Guid.TryParseExact(parts[2], "N", out var id)
            || !Base64Url.IsValid(parts[3], out var length)
            || length != SecretBytes
        )
            return false;
        key = new ApiKeyText(tenant, id.ToString("N"), parts[3]);
        return true;
    }

    public override string ToString() => $"{Prefix}{Tenant}.{Id}.{Secret}";
}
