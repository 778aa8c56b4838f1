using System.ComponentModel;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Tenants, as their operators and their own people see them.</summary>
internal static class TenantContracts
{
    internal sealed record Tenant(
        string Id,
        string DisplayName,
        [property: Description("active, suspended, offboarding or deleted")] string State,
        string Plan,
        string? ParentId,
        [property: Description("Limits of its own, in place of its plan's; null is no limit.")] IReadOnlyDictionary<string, long?> Limits,
        [property: Description("Features that are on or off whatever its plan says.")] IReadOnlyDictionary<string, bool> Features,
        [property: Description("Rates of its own, in place of its plan's, such as 100:1,3000:60; null is no rate.")]
            IReadOnlyDictionary<string, string?> Rates,
        DateTime CreatedAt,
        long Version
    );

    internal sealed record NewTenant(
        [property: Description("1 to 63 characters of a-z, 0-9 and '-'; for ever.")] string Id,
        string DisplayName,
        string? Plan = null,
        IReadOnlyDictionary<string, long?>? Limits = null,
        IReadOnlyDictionary<string, bool>? Features = null,
        IReadOnlyDictionary<string, string?>? Rates = null
    );

    internal sealed record NewChild(
        [property: Description("1 to 63 characters of a-z, 0-9 and '-'; for ever.")] string Id,
        string DisplayName
    );

    internal sealed record Settings(
        string DisplayName,
        string? Plan = null,
        IReadOnlyDictionary<string, long?>? Limits = null,
        IReadOnlyDictionary<string, bool>? Features = null,
        IReadOnlyDictionary<string, string?>? Rates = null
    );

    internal sealed record Offboarding(
        [property: Description("offboarding or deleted")] string State,
        [property: Description("When it began; null if that was before it was noted.")] DateTime? Since,
        [property: Description("When its data is deleted, or within the hour after; null until a host has noted it.")] DateTime? DueAt,
        [property: Description("When all of it was deleted and none found left; null if that is still to come.")] DateTime? DeletedAt
    );

    internal sealed record Rename(string DisplayName);

    internal sealed record Feature(string Name, string Description, bool IsOn);

    internal sealed record FeatureList(IReadOnlyList<Feature> Items);

    internal sealed record Branding(string? ProductName, string? PrimaryColor, string? AccentColor, bool HasLogo, long Version);

    internal sealed record SetBranding(
        string? ProductName = null,
        [property: Description("#rrggbb")] string? PrimaryColor = null,
        [property: Description("#rrggbb")] string? AccentColor = null,
        [property: Description("image/png, image/jpeg or image/webp")] string? LogoMediaType = null,
        [property: Description("At most 64 KiB, as base64.")] byte[]? Logo = null
    );

    internal sealed record Networks([property: Description("In CIDR form; none for all.")] IReadOnlyList<string> Allowed);

    internal sealed record Plan(string Name, IReadOnlyDictionary<string, long> Limits, IReadOnlyList<string> Features);

    internal sealed record PlanList(IReadOnlyList<Plan> Items);
}
