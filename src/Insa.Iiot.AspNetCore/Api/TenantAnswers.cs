using System.Net;
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

    /// <exception cref="ArgumentException">One of them is no network.</exception>
    public static List<IPNetwork> ToNetworks(IReadOnlyList<string> texts) =>
        [
            .. texts.Select(text =>
                IPNetwork.TryParse(text, out var network)
                    ? network
                    : throw new ArgumentException(
                        $"'{text}' is no network: write 192.0.2.0/24 or 2001:db8::/32, with the bits behind it 0."
                    )
            ),
        ];

    public static bool IsAllowed(IReadOnlyList<IPNetwork> networks, IPAddress? address)
    {
        if (networks.Count == 0)
            return true;
        if (address is null)
            return false;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        for (var i = 0; i < networks.Count; i++)
        {
            if (networks[i].Contains(address))
                return true;
        }

        return false;
    }
}
