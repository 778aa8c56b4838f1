namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>The sessions of a tenant's devices, by name. The broker has let their publisher in; the registry says which devices there are. Thread-safe.</summary>
internal sealed class DeviceSessions(TenantId tenant, IDeviceRegistry registry, TimeProvider time)
{
    private const int MaxDevices = 100_000;
    private const int MaxUnknown = 10_000;
    private const int MaxRefreshes = 4;
    private const int PageSize = 1000;
    private const int MaxChildren = 10_000;
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromMinutes(2);

    // A device may be registered right after its first message.
    private static readonly TimeSpan UnknownLifetime = TimeSpan.FromSeconds(5);

    // Names that are no device's are a publisher's invention: apart, they push no device out.
    private readonly DeviceCache _devices = new(MaxDevices / 2);
    private readonly DeviceCache _unknown = new(MaxUnknown / 2);
    private int _refreshes;

    /// <summary>Finds a device without waiting.</summary>
    /// <returns><see langword="false"/> if it has to be read first.</returns>
    public bool TryFind(ReadOnlySpan<char> name, out DeviceSession? session)
    {
        session = null;
        if (!_devices.TryFind(name, out var known))
            return _unknown.TryFind(name, out known) && time.GetElapsedTime(known.ReadAt) <= UnknownLifetime;
        var age = time.GetElapsedTime(known.ReadAt);
        if (age > MaxLifetime)
            return false;
        session = known.Session;
        if (age > Lifetime && Volatile.Read(ref _refreshes) < MaxRefreshes && known.TryClaim())
            _ = RefreshAsync(name.ToString());
        return true;
    }

    /// <summary>Reads a device.</summary>
    /// <exception cref="TelemetryStoreException">It cannot be read now.</exception>
    public async ValueTask<DeviceSession?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        var session = DeviceId.TryParse(name, out var id) ? await FindAsync(id, cancellationToken).ConfigureAwait(false) : null;
        var known = new KnownDevice(session, time.GetTimestamp());
        if (session is not null)
        {
            _devices.Set(name, known);
            return session;
        }

        _devices.Remove(name);
        if (name.Length <= DeviceId.MaxLength)
            _unknown.Set(name, known);
        return null;
    }

    private async Task RefreshAsync(string name)
    {
        Interlocked.Increment(ref _refreshes);
        try
        {
            await ReadAsync(name, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // What is known holds on until it is too old.
        }
        finally
        {
            Interlocked.Decrement(ref _refreshes);
        }
    }

    private async ValueTask<DeviceSession?> FindAsync(DeviceId id, CancellationToken cancellationToken)
    {
        if (await registry.FindAsync(tenant, id, cancellationToken).ConfigureAwait(false) is not { State: DeviceState.Enabled })
            return null;
        var children = new List<DeviceId>();
        for (DeviceId? after = null; children.Count < MaxChildren; )
        {
            var page = await registry.ListByGatewayAsync(tenant, id, after, PageSize, cancellationToken).ConfigureAwait(false);
            children.AddRange(page.Where(device => device.State == DeviceState.Enabled).Select(device => device.Id));
            if (page.Count < PageSize)
                break;
            after = page[^1].Id;
        }

        return new DeviceSession(tenant, id, children).Over("amqp");
    }
}
