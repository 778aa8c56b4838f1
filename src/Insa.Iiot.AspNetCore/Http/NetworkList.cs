using System.Net;

namespace Insa.Iiot.AspNetCore.Http;

/// <summary>The networks that a tenant's callers may come from.</summary>
internal static class NetworkList
{
    /// <exception cref="ArgumentException">One of them is no network.</exception>
    public static List<IPNetwork> Parse(IReadOnlyList<string> texts) =>
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
