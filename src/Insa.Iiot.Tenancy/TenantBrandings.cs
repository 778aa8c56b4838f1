using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy;

/// <summary>How tenants look. Thread-safe, and safe between hosts.</summary>
public sealed class TenantBrandings
{
    private const int MaxName = 100;
    private const int MaxLogoBytes = 64 * 1024;
    private const string Id = "branding";

    private readonly IControlStore _store;

    internal TenantBrandings(IControlStore store) => _store = store;

    /// <summary>How a tenant looks; of what was never set, nothing.</summary>
    public async ValueTask<TenantBranding> GetAsync(TenantId tenant, CancellationToken cancellationToken = default)
    {
        if (await FindRecordAsync(tenant, cancellationToken).ConfigureAwait(false) is not { } record)
            return new TenantBranding();
        var body = RecordJson.Read<BrandingRecord>(record);
        return new TenantBranding
        {
            ProductName = body.ProductName,
            PrimaryColor = body.PrimaryColor,
            AccentColor = body.AccentColor,
            LogoMediaType = body.LogoMediaType,
            Logo = body.Logo,
            Version = record.Version,
        };
    }

    /// <summary>Changes how a tenant looks, all of it.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="branding">What is to hold, with the version that was seen.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="TenancyException"><see cref="TenancyError.Changed"/>.</exception>
    /// <exception cref="ArgumentException">Something of it is not valid.</exception>
    public async ValueTask<TenantBranding> SetAsync(TenantId tenant, TenantBranding branding, CancellationToken cancellationToken = default)
    {
        Check(branding);
        var body = RecordJson.Write(
            new BrandingRecord(
                branding.ProductName,
                branding.PrimaryColor,
                branding.AccentColor,
                branding.LogoMediaType,
                branding.Logo.ToArray()
            )
        );
        var seen = await FindRecordAsync(tenant, cancellationToken).ConfigureAwait(false);
        if ((seen?.Version ?? 0) != branding.Version)
            throw TenancyException.Changed();
        var change = seen is null
            ? ControlChange.Insert(ControlScope.Of(tenant), RecordKinds.Branding, Id, body)
            : ControlChange.Replace(seen, body);
        var result = await _store.CommitAsync([change], cancellationToken).ConfigureAwait(false);
        return result.Outcome == ControlOutcome.Done ? branding with { Version = branding.Version + 1 } : throw TenancyException.Changed();
    }

    private static void Check(TenantBranding branding)
    {
        ArgumentNullException.ThrowIfNull(branding);
        if (branding.ProductName is { } name && (string.IsNullOrWhiteSpace(name) || name.Length > MaxName))
            throw new ArgumentException($"A product's name has 1 to {MaxName} characters.", nameof(branding));
        if (!IsColor(branding.PrimaryColor) || !IsColor(branding.AccentColor))
            throw new ArgumentException("A colour is written as #rrggbb.", nameof(branding));
        if (branding.Logo.Length > MaxLogoBytes)
            throw new ArgumentException($"A logo has at most {MaxLogoBytes} bytes.", nameof(branding));
        if (branding.LogoMediaType is null != branding.Logo.IsEmpty || !IsImage(branding.LogoMediaType, branding.Logo.Span))
            throw new ArgumentException("A logo is a PNG, JPEG or WebP image, with its media type.", nameof(branding));
    }

    private static bool IsColor(string? color) =>
        color is null || (color is ['#', .. { Length: 6 } digits] && digits.All(char.IsAsciiHexDigit));

    // What is served as an image must be one.
    private static bool IsImage(string? mediaType, ReadOnlySpan<byte> bytes) =>
        mediaType switch
        {
            null => true,
            "image/png" => bytes.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']),
            "image/jpeg" => bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]),
            "image/webp" => bytes.Length > 12 && bytes.StartsWith("RIFF"u8) && bytes[8..].StartsWith("WEBP"u8),
            _ => false,
        };

    private ValueTask<ControlRecord?> FindRecordAsync(TenantId tenant, CancellationToken cancellationToken) =>
        _store.FindAsync(ControlScope.Of(tenant), RecordKinds.Branding, Id, cancellationToken);
}
