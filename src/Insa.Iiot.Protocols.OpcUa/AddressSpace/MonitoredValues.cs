using System.Collections.Concurrent;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Microsoft.Extensions.Hosting;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>
/// Tells watchers of values. Telemetry is told as it is committed; the few other things that can be watched, such as the server's clock, are looked at once
/// a second while somebody watches them.
/// </summary>
internal sealed class MonitoredValues(TimeProvider time) : BackgroundService, IMonitoredValues, ISpaceListener
{
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<IValueWatcher, WatchedNode> _looked = new();

    public StatusCode Find(UaSession session, NodeIdView node, uint attributeId, out MonitoredAttribute attribute)
    {
        attribute = default;
        if (SessionSpaces.Find(session) is not { } space)
            return StatusCodes.BadNodeIdUnknown;
        var status = space.Find(node, out var found);
        if (!status.IsGood)
            return status;
        if (found.Kind == NodeKind.Metric && attributeId == MonitoredAttribute.ValueAttribute)
        {
            attribute = new MonitoredAttribute(found.Device, found.Slot, attributeId);
            return space.User.MayRead(found) ? StatusCodes.Good : StatusCodes.BadUserAccessDenied;
        }

        attribute = new MonitoredAttribute(new WatchedNode(space, found, (AttributeId)attributeId), 0, attributeId);
        status = space.Space.Read(found, (AttributeId)attributeId, space.User).Status;
        return status == StatusCodes.BadAttributeIdInvalid || status == StatusCodes.BadUserAccessDenied ? status : StatusCodes.Good;
    }

    public bool MayRead(UaSession session, in MonitoredAttribute attribute)
    {
        if (SessionSpaces.Find(session) is not { } space)
            return false;
        if (attribute.Node is not WatchedNode watched)
        {
            var metric = new NodeHandle(NodeKind.Metric, 0, (DeviceNode)attribute.Node!, (int)attribute.Key);
            return space.User.MaySee(metric) && space.User.MayRead(metric);
        }

        return space.User.MaySee(watched.Node)
            && space.Space.Read(watched.Node, watched.Attribute, space.User).Status != StatusCodes.BadUserAccessDenied;
    }

    public IDisposable? Hold(UaSession session) => SessionSpaces.Find(session)?.Hold();

    public MonitoredKind KindOf(in MonitoredAttribute attribute)
    {
        if (attribute.Node is WatchedNode watched)
            return new MonitoredKind(watched.Read().Value.IsNumeric);
        var (device, slot) = ((DeviceNode)attribute.Node!, (int)attribute.Key);
        var isNumber = device.Read(slot).Kind is TelemetryValueKind.Double or TelemetryValueKind.Long;
        var range = device.Shape.Names[slot].Description?.Range;
        return new MonitoredKind(isNumber, range is null ? double.NaN : range.High - range.Low);
    }

    public DataValue Read(in MonitoredAttribute attribute)
    {
        if (attribute.Node is WatchedNode watched)
            return Stamp(watched.Read());
        var device = (DeviceNode)attribute.Node!;
        return device.IsRemoved ? Stamp(DataValue.Of(StatusCodes.BadNodeIdUnknown)) : Read(device, (int)attribute.Key);
    }

    public void Watch(in MonitoredAttribute attribute, IValueWatcher watcher)
    {
        if (attribute.Node is WatchedNode watched)
            _looked[watcher] = watched;
        else
            ((DeviceNode)attribute.Node!).Watch((int)attribute.Key, watcher);
    }

    public void Unwatch(in MonitoredAttribute attribute, IValueWatcher watcher)
    {
        if (attribute.Node is WatchedNode)
            _looked.TryRemove(watcher, out _);
        else
            ((DeviceNode)attribute.Node!).Unwatch((int)attribute.Key, watcher);
    }

    public void OnValues(TenantSpace space, DeviceNode device, IReadOnlyList<int> slots)
    {
        if (!device.IsWatched)
            return;
        lock (device.Telling)
        {
            foreach (var slot in slots)
                Tell(device, slot);
        }
    }

    public void OnModelChanged(TenantSpace space, IReadOnlyList<ModelChange> changes)
    {
        foreach (var change in changes)
        {
            if (change.Verb == ModelChangeVerbs.NodeDeleted)
                TellRemoved(change.Affected.Device);
        }
    }

    public void OnStateChanged(TenantSpace space, DeviceNode device, DeviceState state) { }

    /// <summary>Looks at what nobody pushes.</summary>
    internal void Look()
    {
        foreach (var (watcher, watched) in _looked)
            watcher.OnValue(Stamp(watched.Read()));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookEvery, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            Look();
    }

    private void Tell(DeviceNode device, int slot)
    {
        var watchers = device.WatchersOf(slot);
        if (watchers.IsEmpty)
            return;
        var value = Read(device, slot);
        foreach (var watcher in watchers)
            watcher.OnValue(value);
    }

    private void TellRemoved(DeviceNode device)
    {
        var gone = Stamp(DataValue.Of(StatusCodes.BadNodeIdUnknown));
        lock (device.Telling)
        {
            for (var slot = 0; slot < device.Shape.Count; slot++)
            {
                foreach (var watcher in device.WatchersOf(slot))
                    watcher.OnValue(gone);
            }
        }
    }

    private DataValue Read(DeviceNode device, int slot) => Stamp(TenantSpace.ReadMetric(device.Read(slot)));

    private DataValue Stamp(in DataValue value) => value with { ServerTimestamp = time.GetUaTicks() };
}
