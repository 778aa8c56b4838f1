using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.Tenancy;
using static Insa.Iiot.AspNetCore.Api.TenantContracts;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Tenancy's types as the API writes and reads them.</summary>
internal static class TenantAnswers
{
    public static TenantContracts.Tenant Of(Tenancy.Tenant tenant) =>
        new(
            tenant.Id.Value,
            tenant.DisplayName,
            Names.Of(tenant.State),
            tenant.Plan,
            tenant.Parent?.Value,
            tenant.Limits,
            tenant.Features,
            tenant.Rates,
            Times.Utc(tenant.CreatedAt),
            tenant.Version
        );

    public static FeatureList Of(IReadOnlyList<(string Name, string Description, bool IsOn)> features) =>
        new([.. features.Select(feature => new Feature(feature.Name, feature.Description, feature.IsOn))]);

    public static TenantSettings ToSettings(
        string displayName,
        string? plan,
        IReadOnlyDictionary<string, long?>? limits,
        IReadOnlyDictionary<string, bool>? features,
        IReadOnlyDictionary<string, string?>? rates
    ) =>
        new()
        {
            DisplayName = displayName,
            Plan = plan,
            Limits = limits ?? new Dictionary<string, long?>(StringComparer.Ordinal),
            Features = features ?? new Dictionary<string, bool>(StringComparer.Ordinal),
            Rates = rates ?? new Dictionary<string, string?>(StringComparer.Ordinal),
        };
}
