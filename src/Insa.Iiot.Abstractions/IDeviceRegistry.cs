namespace Insa.Iiot;

/// <summary>Knows the devices of every tenant and their credentials. Thread-safe.</summary>
public interface IDeviceRegistry
{
    /// <summary>The tenant's counter of devices, whose bound <see cref="AddAsync"/> keeps where the store has an <see cref="IControlStore"/>.</summary>
    public const string Counter = "devices";

    /// <summary>The most devices that one call of <see cref="AddManyAsync"/> takes.</summary>
    public const int MaxAdded = 1000;

    /// <summary>Registers a device.</summary>
    /// <returns><see langword="false"/> if the tenant already has one of that id, which stays as it is.</returns>
    /// <exception cref="GatewayNotFoundException">Its gateway is no other device of the tenant.</exception>
    /// <exception cref="LimitReachedException">The tenant has as many devices as it may have.</exception>
    ValueTask<bool> AddAsync(TenantId tenant, Device device, CancellationToken cancellationToken = default);

    /// <summary>Registers devices in the order given, in one transaction: as many as there is room for. A gateway may come earlier in the list.</summary>
    /// <returns>What became of each, in the order given.</returns>
    /// <exception cref="ArgumentException">There are more than <see cref="MaxAdded"/>, or a name is too long; then none is registered.</exception>
    ValueTask<IReadOnlyList<DeviceAddResult>> AddManyAsync(
        TenantId tenant,
        IReadOnlyList<Device> devices,
        CancellationToken cancellationToken = default
    );

    /// <summary>Changes a device's name, gateway and state, if it is still of the version that the caller has seen.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="device">The device as it shall be; its own version and time do not count.</param>
    /// <param name="version">The version that is to be replaced.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    ValueTask<DeviceUpdateResult> UpdateAsync(TenantId tenant, Device device, long version, CancellationToken cancellationToken = default);

    /// <summary>Finds a device.</summary>
    /// <returns><see langword="null"/> if the tenant has none of that id.</returns>
    ValueTask<Device?> FindAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default);

    /// <summary>Lists devices by id (ordinal), after <paramref name="after"/>.</summary>
    ValueTask<IReadOnlyList<Device>> ListAsync(TenantId tenant, DeviceId? after, int limit, CancellationToken cancellationToken = default);

    /// <summary>Lists the devices of a gateway by id (ordinal), after <paramref name="after"/>.</summary>
    ValueTask<IReadOnlyList<Device>> ListByGatewayAsync(
        TenantId tenant,
        DeviceId gateway,
        DeviceId? after,
        int limit,
        CancellationToken cancellationToken = default
    );

    /// <summary>Removes a device and its credentials; its telemetry stays. Devices whose gateway it was have none then.</summary>
    /// <returns><see langword="false"/> if there was none.</returns>
    ValueTask<bool> RemoveAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default);

    /// <summary>Gives a device a new random secret of 256 bits, in place of any before. Only a hash is kept: this is the one time it can be read.</summary>
    /// <returns>The secret, or <see langword="null"/> if there is no such device.</returns>
    ValueTask<string?> RotateSecretAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default);

    /// <summary>
    /// Lets a client certificate stand for a device, which may have several. Other tenants may have registered it too, which is not told: then
    /// whoever shows it has to say by <c>device@tenant</c> who they are.
    /// </summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="device">The device.</param>
    /// <param name="certificateSha256">SHA-256 over the certificate's DER, 32 bytes.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns><see langword="false"/> if there is no such device, or the certificate stands for another one of the tenant.</returns>
    ValueTask<bool> AddCertificateAsync(
        TenantId tenant,
        DeviceId device,
        ReadOnlyMemory<byte> certificateSha256,
        CancellationToken cancellationToken = default
    );

    /// <summary>Lists a device's credentials: password, pre-shared key, certificates by when they were added. None if there is no such device.</summary>
    ValueTask<IReadOnlyList<DeviceCredentialInfo>> ListCredentialsAsync(
        TenantId tenant,
        DeviceId device,
        CancellationToken cancellationToken = default
    );

    /// <summary>Takes a credential from a device. Who is connected by it stays so.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="device">The device.</param>
    /// <param name="credentialId">Its <see cref="DeviceCredentialInfo.Id"/>.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns><see langword="false"/> if the device has none of that id.</returns>
    ValueTask<bool> RevokeCredentialAsync(
        TenantId tenant,
        DeviceId device,
        string credentialId,
        CancellationToken cancellationToken = default
    );
}
