using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Events;

/// <summary>Keeps what it hears of.</summary>
internal sealed class ListedEvents : IEventWatcher
{
    public List<UaEvent> Events { get; } = [];

    public void OnEvent(UaEvent e) => Events.Add(e);

    public static IEnumerable<(NodeId Affected, NodeId Type, ModelChangeVerbs Verb)> ChangesOf(UaEvent e) => ChangesOf(e.Get("Changes"));

    public static IEnumerable<(NodeId Affected, NodeId Type, ModelChangeVerbs Verb)> ChangesOf(Variant changes) =>
        ((ExtensionObject[])changes.Elements!).Select(change =>
            change.TryGet<ModelChangeStructureDataType>(EncodingLimits.Default, out var told)
                ? (told.Affected, told.AffectedType, (ModelChangeVerbs)told.Verb)
                : throw new InvalidDataException()
        );
}
