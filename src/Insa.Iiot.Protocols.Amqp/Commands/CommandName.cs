using System.Globalization;

namespace Insa.Iiot.Protocols.Amqp.Commands;

/// <summary>What a command is called between hosts and devices, <c>{tenant}/{device}/{id}</c>: its message id, and the correlation id of its answer.</summary>
internal readonly record struct CommandName(TenantId Tenant, DeviceId Device, long Id)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Tenant.Value}/{Device.Value}/{Id}");

    public static bool TryParse(string? text, out CommandName name)
    {
        name = default;

        // No id of a tenant or a device holds a slash.
        if (
            text?.Split('/') is not [var tenantText, var deviceText, var idText]
            || !TenantId.TryParse(tenantText, out var tenant)
            || !DeviceId.TryParse(deviceText, out var device)
            || !long.TryParse(idText, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
        )
            return false;
        name = new CommandName(tenant, device, id);
        return true;
    }
}
