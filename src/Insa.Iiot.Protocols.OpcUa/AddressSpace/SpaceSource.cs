namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Fills a tenant's space from the registry and the store. Thread-safe.</summary>
internal sealed class SpaceSource(IDeviceRegistry registry, ITelemetryReader reader, ITelemetrySeriesReader? seriesReader = null)
{
    private const int DevicesPerPage = 1000;
    private const int DevicesPerRead = 500;

    /// <summary>Makes the space what the registry and the store say. Values that are newer in it stay.</summary>
    /// <exception cref="TelemetryStoreException">The store cannot be reached.</exception>
    public async Task ReconcileAsync(TenantSpace space, CancellationToken cancellationToken)
    {
        var devices = await ListAsync(space.Tenant, cancellationToken).ConfigureAwait(false);
        space.SetDevices(devices);
        for (var first = 0; first < devices.Count; first += DevicesPerRead)
        {
            var ids = devices.GetRange(first, Math.Min(DevicesPerRead, devices.Count - first)).ConvertAll(device => device.Id);
            await ReadLatestAsync(space, ids, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes a device in that the space does not have, if it is registered.</summary>
    /// <exception cref="TelemetryStoreException">The store cannot be reached.</exception>
    public async Task AddAsync(TenantSpace space, DeviceId device, CancellationToken cancellationToken)
    {
        if (await registry.FindAsync(space.Tenant, device, cancellationToken).ConfigureAwait(false) is not { } registered)
            return;
        space.SetDevice(registered);
        await ReadLatestAsync(space, [device], cancellationToken).ConfigureAwait(false);
    }

    private async Task<List<Device>> ListAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        var devices = new List<Device>();
        while (true)
        {
            var after = devices.Count == 0 ? (DeviceId?)null : devices[^1].Id;
            var page = await registry.ListAsync(tenant, after, DevicesPerPage, cancellationToken).ConfigureAwait(false);
            devices.AddRange(page);
            if (page.Count < DevicesPerPage)
                return devices;
        }
    }

    private async Task ReadLatestAsync(TenantSpace space, List<DeviceId> devices, CancellationToken cancellationToken)
    {
        var changed = new List<int>();
        if (seriesReader is null)
        {
            foreach (var device in devices)
            {
                space.Reconcile(
                    device,
                    await reader.ReadLatestAsync(space.Tenant, device, cancellationToken).ConfigureAwait(false),
                    changed
                );
                changed.Clear();
            }

            return;
        }

        var points = new List<TelemetryPoint>();
        var current = default(DeviceId);
        await foreach (var found in seriesReader.ReadLatestAsync(space.Tenant, devices, cancellationToken).ConfigureAwait(false))
        {
            if (found.Device != current)
                Flush();
            current = found.Device;
            points.Add(found.Point);
        }

        Flush();

        void Flush()
        {
            if (points.Count > 0)
                space.Reconcile(current, points, changed);
            points.Clear();
            changed.Clear();
        }
    }
}
