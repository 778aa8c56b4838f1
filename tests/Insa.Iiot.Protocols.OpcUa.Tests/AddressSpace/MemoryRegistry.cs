namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>Devices of several tenants in memory.</summary>
internal sealed class MemoryRegistry : IDeviceRegistry
{
    private readonly Dictionary<(TenantId, DeviceId), Device> _devices = [];

    public void Add(TenantId tenant, Device device) => _devices[(tenant, device.Id)] = device;

    public void Remove(TenantId tenant, DeviceId device) => _devices.Remove((tenant, device));

    public ValueTask<Device?> FindAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default) =>
        new(_devices.GetValueOrDefault((tenant, device)));

    public ValueTask<IReadOnlyList<Device>> ListAsync(
        TenantId tenant,
        DeviceId? after,
        int limit,
        CancellationToken cancellationToken = default
    ) =>
        new(
            _devices
                .Where(entry =>
                    entry.Key.Item1 == tenant && (after is null || string.CompareOrdinal(entry.Key.Item2.Value, after.Value.Value) > 0)
                )
                .Select(entry => entry.Value)
                .OrderBy(device => device.Id.Value, StringComparer.Ordinal)
                .Take(limit)
                .ToList()
        );

    public ValueTask<bool> AddAsync(TenantId tenant, Device device, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public ValueTask<IReadOnlyList<DeviceAddResult>> AddManyAsync(
        TenantId tenant,
        IReadOnlyList<Device> devices,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public ValueTask<DeviceUpdateResult> UpdateAsync(
        TenantId tenant,
        Device device,
        long version,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<Device>> ListByGatewayAsync(
        TenantId tenant,
        DeviceId gateway,
        DeviceId? after,
        int limit,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public ValueTask<bool> RemoveAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public ValueTask<string?> RotateSecretAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public ValueTask<bool> AddCertificateAsync(
        TenantId tenant,
        DeviceId device,
        ReadOnlyMemory<byte> certificateSha256,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<DeviceCredentialInfo>> ListCredentialsAsync(
        TenantId tenant,
        DeviceId device,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public ValueTask<bool> RevokeCredentialAsync(
        TenantId tenant,
        DeviceId device,
        string credentialId,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();
}
