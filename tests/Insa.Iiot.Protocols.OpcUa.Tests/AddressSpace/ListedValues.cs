using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>Keeps what it hears.</summary>
internal sealed class ListedValues : IValueWatcher
{
    public List<DataValue> Values { get; } = [];

    public void OnValue(in DataValue value) => Values.Add(value);
}
