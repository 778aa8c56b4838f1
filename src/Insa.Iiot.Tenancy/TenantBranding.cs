namespace Insa.Iiot.Tenancy;

/// <summary>How a tenant looks to its people.</summary>
public sealed record TenantBranding
{
    /// <summary>What the product is called; <see langword="null"/> for its own name. Up to 100 characters.</summary>
    public string? ProductName { get; init; }

    /// <summary>The main colour, as <c>#rrggbb</c>.</summary>
    public string? PrimaryColor { get; init; }

    /// <summary>The second colour, as <c>#rrggbb</c>.</summary>
    public string? AccentColor { get; init; }

    /// <summary>The logo's media type: <c>image/png</c>, <c>image/jpeg</c> or <c>image/webp</c>; <see langword="null"/> for no logo.</summary>
    /// <remarks>No SVG: it may hold scripts, and would be shown to people of the tenant.</remarks>
    public string? LogoMediaType { get; init; }

    /// <summary>The logo, at most 64 KiB.</summary>
    public ReadOnlyMemory<byte> Logo { get; init; }

    /// <summary>Counts changes; 0 for what was never set.</summary>
    public long Version { get; init; }
}
