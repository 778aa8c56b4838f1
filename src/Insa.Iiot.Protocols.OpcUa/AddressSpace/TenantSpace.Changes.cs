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
        var (changes, states) = (new List<ModelChange>(), new List<DeviceNode>());
        lock (_changing)
        {
            var gone = new HashSet<DeviceId>(_sorted.Select(device => device.Id));
            foreach (var device in registered)
            {
                gone.Remove(device.Id);
                AddOrChange(device, changes, states);
            }

            foreach (var id in gone)
                Remove(id, changes);
            Publish(changes);
        }

        Tell(changes, states);
    }

    /// <summary>Adds a device that was registered, or takes over what has changed of it.</summary>
    public void SetDevice(Device registered)
    {
        var (changes, states) = (new List<ModelChange>(), new List<DeviceNode>());
        lock (_changing)
        {
            AddOrChange(registered, changes, states);
            Publish(changes);
        }

        Tell(changes, states);
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

    private void Tell(DeviceNode device, List<SlotChange>? metrics, List<int> changed)
    {
        if (Listener is null)
            return;
        if (metrics is not null)
            Listener.OnModelChanged(this, Describe(device, metrics));
        if (changed.Count > 0)
            Listener.OnValues(this, device, changed);
    }

    // The version of a device counts the changes of all that is below it, so it changes along with its metrics.
    private List<ModelChange> Describe(DeviceNode device, List<SlotChange> metrics)
    {
        var changes = new List<ModelChange>(metrics.Count + 2);
        foreach (var (slot, verb) in metrics)
        {
            var metric = new NodeHandle(NodeKind.Metric, Indexes.DataItemType, device, slot);
            changes.Add(new ModelChange(metric, TypeDefinitionOf(metric), verb));
        }

        if (!metrics.Exists(metric => metric.Verb == ModelChangeVerbs.NodeAdded))
            return changes;
        var telemetry = new NodeHandle(NodeKind.Device, Indexes.Telemetry, device);
        changes.Add(new ModelChange(telemetry, TypeDefinitionOf(telemetry), ModelChangeVerbs.ReferenceAdded));
        changes.Add(Of(device, ModelChangeVerbs.ReferenceAdded));
        return changes;
    }

    private void AddOrChange(Device registered, List<ModelChange> changes, List<DeviceNode> states)
    {
        if (TryFindDevice(registered.Id, out var known))
        {
            var state = known.Registered.State;
            if (known.Register(registered) is not ModelChangeVerbs.None and var verb)
                changes.Add(Of(known, verb));
            if (state != registered.State)
                states.Add(known);
            return;
        }

        var device = new DeviceNode(registered);
        _devices[device.IdUtf8.ToArray()] = device;
        changes.Add(Of(device, ModelChangeVerbs.NodeAdded));
    }

    private void Remove(DeviceId id, List<ModelChange> changes)
    {
        if (!TryFindDevice(id, out var device))
            return;
        device.Remove();
        _devicesById.TryRemove(device.IdUtf8, out _);
        changes.Add(Of(device, ModelChangeVerbs.NodeDeleted));
    }

    private ModelChange Of(DeviceNode device, ModelChangeVerbs verb) =>
        new(new NodeHandle(NodeKind.Device, Indexes.DeviceType, device), Indexes.DeviceType, verb);

    private void Publish(List<ModelChange> changes)
    {
        var folder = ModelChangeVerbs.None;
        foreach (var change in changes)
        {
            folder |= change.Verb switch
            {
                ModelChangeVerbs.NodeAdded => ModelChangeVerbs.ReferenceAdded,
                ModelChangeVerbs.NodeDeleted => ModelChangeVerbs.ReferenceDeleted,
                _ => ModelChangeVerbs.None,
            };
        }

        if (folder == ModelChangeVerbs.None)
            return;
        var sorted = _devices.Values.ToArray();
        Array.Sort(sorted, static (one, other) => string.CompareOrdinal(one.Id.Value, other.Id.Value));
        _sorted = sorted;
        Volatile.Write(ref _version, _version + 1);
        changes.Add(new ModelChange(new NodeHandle(NodeKind.Tenant, Indexes.Devices), Indexes.DevicesType, folder));
    }

    private void Tell(List<ModelChange> changes, List<DeviceNode> states)
    {
        if (changes.Count > 0)
            Listener?.OnModelChanged(this, changes);
        foreach (var device in states)
            Listener?.OnStateChanged(this, device, device.Registered.State);
    }
}
