using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Events;

/// <summary>Keeps what somebody sees of events.</summary>
internal sealed class ListedEvents : IEventWatcher
{
    private IEventNotifier? _notifier;
    private SessionIdentity? _identity;

    public List<UaEvent> Events { get; } = [];

    public void Watch(IEventNotifier notifier, SessionIdentity identity)
    {
        (_notifier, _identity) = (notifier, identity);
        notifier.Watch(this);
    }

    public void OnEvent(UaEvent e)
    {
        if (_notifier!.See(e, _identity!) is { } seen)
            Events.Add(seen);
    }

    public static IEnumerable<(NodeId Affected, NodeId Type, ModelChangeVerbs Verb)> ChangesOf(UaEvent e) => ChangesOf(e.Get("Changes"));

    public static IEnumerable<(NodeId Affected, NodeId Type, ModelChangeVerbs Verb)> ChangesOf(Variant changes) =>
        ((ExtensionObject[])changes.Elements!).Select(change =>
            change.TryGet<ModelChangeStructureDataType>(EncodingLimits.Default, out var told)
                ? (told.Affected, told.AffectedType, (ModelChangeVerbs)told.Verb)
                : throw new InvalidDataException()
        );
}
