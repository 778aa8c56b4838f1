using System.ComponentModel;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Devices and their credentials.</summary>
internal static class DeviceContracts
{
    internal sealed record Device(
        string Id,
        string Name,
        [property: Description("The gateway that may publish for it.")] string? GatewayId,
        [property: Description("enabled, or disabled: then it cannot connect")] string State,
        DateTime CreatedAt,
        long Version
    );

    internal sealed record NewDevice(
        [property: Description("1 to 128 characters of A-Z a-z 0-9 . _ : -; for ever.")] string Id,
        string? Name = null,
        string? GatewayId = null
    );

    internal sealed record DeviceSettings(
        string? Name = null,
        string? GatewayId = null,
        [property: Description("enabled or disabled")] string State = "enabled"
    );

    internal sealed record DeviceWithPassword(
        string Id,
        string Name,
        string? GatewayId,
        string State,
        DateTime CreatedAt,
        long Version,
        [property: Description("What the device calls itself when it connects.")] string Username,
        [property: Description("Its secret, only once.")] string Password
    );

    internal sealed record ImportDevices(
        [property: Description("1 to 1,000; a gateway may come earlier in the list.")] IReadOnlyList<NewDevice> Devices
    );

    internal sealed record ImportedDevice(
        string Id,
        [property: Description("added, exists, gatewayNotFound, limitReached or invalid")] string Result,
        string? Username = null,
        [property: Description("Its secret, only once.")] string? Password = null
    );

    internal sealed record ImportResult(int Added, IReadOnlyList<ImportedDevice> Devices);

    internal sealed record Credential(
        [property: Description("password, psk, or a certificate's SHA-256 in hexadecimal")] string Id,
        [property: Description("password, psk or certificate")] string Kind,
        DateTime CreatedAt,
        DateTime? RotatedAt
    );

    internal sealed record CredentialList(IReadOnlyList<Credential> Items);

    internal sealed record Password(string Username, [property: Description("The secret, only once.")] string Secret);

    internal sealed record Psk(string Identity, [property: Description("The key in hexadecimal, only once.")] string Key);

    internal sealed record NewCertificate(
        [property: Description(
            "The certificate in PEM, or for a device that shows its key alone (RFC 7250) the public key, or the SHA-256 over the DER of either in hexadecimal."
        )]
            string Certificate
    );
}
