namespace Insa.Iiot.Tenancy.Access;

/// <summary>Who asks: a user in a session, or an API key; for a tenant, or for none.</summary>
/// <param name="Subject">The id of the user or of the API key.</param>
/// <param name="Session">The user's session; <see langword="null"/> for an API key.</param>
/// <param name="Tenant">The tenant; default for none.</param>
/// <param name="TokenVersion">What the user's token says of <see cref="UserAccount.TokenVersion"/>.</param>
internal readonly record struct AccessKey(string Subject, string? Session, TenantId Tenant, long TokenVersion)
{
    public bool IsApiKey => Session is null;
}
