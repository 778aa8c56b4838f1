namespace Insa.Iiot;

/// <summary>Knows the devices of every tenant and their credentials. Thread-safe.</summary>
public interface IDeviceRegistry
{
    /// <summary>The tenant's counter of devices, whose bound <see cref="AddAsync"/> keeps where the store has an <see cref="IControlStore"/>.</summary>
    public const string Counter = "devices";

    /// <summary>Registers a device.</summary>
    /// <returns><see langword="false"/> if the tenant already has one of that id.</returns>
    /// <exception cref="LimitReachedException">The tenant has as many devices as it may have.</exception>
    ValueTask<bool> AddAsync(TenantId tenant, Device device, CancellationToken cancellationToken = default);

    /// <summary>Finds a device.</summary>
    /// <returns><see langword="null"/> if the tenant has none of that id.</returns>
    ValueTask<Device?> FindAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default);

    /// <summary>Lists devices by id (ordinal), after <paramref name="after"/>.</summary>
    ValueTask<IReadOnlyList<Device>> ListAsync(TenantId tenant, DeviceId? after, int limit, CancellationToken cancellationToken = default);

    /// <summary>Removes a device and its credentials; its telemetry stays. Devices whose gateway it was have none then.</summary>
    /// <returns><see langword="false"/> if there was none.</returns>
    ValueTask<bool> RemoveAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default);

    /// <summary>Gives a device a new random secret of 256 bits, in place of any before. Only a hash is kept: this is the one time it can be read.</summary>
    /// <returns>The secret, or <see langword="null"/> if there is no such device.</returns>
    ValueTask<string?> RotateSecretAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default);

    /// <summary>Lets a client certificate stand for a device.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="device">The device.</param>
    /// <param name="certificateSha256">SHA-256 over the certificate's DER, 32 bytes.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns><see langword="false"/> if there is no such device, or the certificate stands for another.</returns>
    ValueTask<bool> AddCertificateAsync(
        TenantId tenant,
        DeviceId device,
        ReadOnlyMemory<byte> certificateSha256,
        CancellationToken cancellationToken = default
    );
}
