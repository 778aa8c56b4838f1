using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>Hears of the values of an attribute.</summary>
internal interface IValueWatcher
{
    /// <summary>
    /// Says that this is the current value. Cheap, and never throws; called on any thread, and for one attribute in the order of its values.
    /// A value that is no news does no harm. Source and server timestamp are those of the value, 0 if it has none.
    /// </summary>
    void OnValue(in DataValue value);
}
