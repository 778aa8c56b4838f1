namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>How the space follows its tenant's devices and their telemetry.</summary>
internal sealed partial class TenantSpace
{
    /// <summary>Hears of changes, if anybody does.</summary>
    public ISpaceListener? Listener { get; init; }

    /// <summary>Makes the devices those that the registry has.</summary>
    /// <param name="registered">All of the tenant's devices.</param>
    public void SetDevices(IReadOnlyCollection<Device> registered)
    {
        var changes = new List<ModelChange>();
        lock (_changing)
        {
            var gone = new HashSet<DeviceId>(_sorted.Select(device => device.Id));
            foreach (var device in registered)
            {
                gone.Remove(device.Id);
                AddOrChange(device, changes);
            }

            foreach (var id in gone)
                Remove(id, changes);
            Publish(changes);
        }

        Tell(changes);
    }

    /// <summary>Adds a device that was registered, or takes over what has changed of it.</summary>
    public void SetDevice(Device registered)
    {
        var changes = new List<ModelChange>();
        lock (_changing)
        {
            AddOrChange(registered, changes);
            Publish(changes);
        }

        Tell(changes);
    }

    /// <summary>Takes over a committed frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="changed">Empty; a list to use.</param>
    /// <returns><see langword="false"/> if its device is not here.</returns>
    public bool Apply(in TelemetryFrame frame, List<int> changed)
    {
        if (!TryFindDevice(frame.Device, out var device))
            return false;
        Tell(device, device.Apply(frame, Names, changed), changed);
        return true;
    }

    /// <summary>Takes over what the store has as the newest points of a device.</summary>
    /// <inheritdoc cref="Apply"/>
    public void Reconcile(DeviceId id, IReadOnlyList<TelemetryPoint> points, List<int> changed)
    {
        if (TryFindDevice(id, out var device))
            Tell(device, device.Reconcile(points, Names, changed), changed);
    }

    private void Tell(DeviceNode device, bool isModelChanged, List<int> changed)
    {
        if (Listener is null)
            return;
        if (isModelChanged)
        {
            var telemetry = new NodeHandle(NodeKind.Device, Indexes.Telemetry, device);
            Listener.OnModelChanged(
                this,
                [
                    new ModelChange(
                        telemetry,
                        TypeDefinitionOf(telemetry),
                        ModelChangeVerbs.ReferenceAdded | ModelChangeVerbs.DataTypeChanged
                    ),
                ]
            );
        }

        if (changed.Count > 0)
            Listener.OnValues(this, device, changed);
    }

    private void AddOrChange(Device registered, List<ModelChange> changes)
    {
        if (TryFindDevice(registered.Id, out var known))
        {
            known.Registered = registered;
            return;
        }

        var device = new DeviceNode(registered);
        _devices[device.IdUtf8.ToArray()] = device;
        changes.Add(
            new ModelChange(new NodeHandle(NodeKind.Device, Indexes.DeviceType, device), Indexes.DeviceType, ModelChangeVerbs.NodeAdded)
        );
    }

    private void Remove(DeviceId id, List<ModelChange> changes)
    {
        if (!TryFindDevice(id, out var device))
            return;
        device.Remove();
        _devicesById.TryRemove(device.IdUtf8, out _);
        changes.Add(
            new ModelChange(new NodeHandle(NodeKind.Device, Indexes.DeviceType, device), Indexes.DeviceType, ModelChangeVerbs.NodeDeleted)
        );
    }

    private void Publish(List<ModelChange> changes)
    {
        if (changes.Count == 0)
            return;
        var sorted = _devices.Values.ToArray();
        Array.Sort(sorted, static (one, other) => string.CompareOrdinal(one.Id.Value, other.Id.Value));
        _sorted = sorted;
        Volatile.Write(ref _version, _version + 1);
    }

    private void Tell(List<ModelChange> changes)
    {
        if (changes.Count > 0)
            Listener?.OnModelChanged(this, changes);
    }
}
