using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Alarms;

/// <summary>The ids of conditions, <c>device!alarm</c>: neither a device nor an alarm has that mark in its id. They name no nodes of the address space.</summary>
internal static class ConditionIds
{
    private const char Mark = '!';

    public static NodeId Of(AlarmState state) => NodeId.OfString(TenantSpace.DevicesNamespace, $"{state.Device}{Mark}{state.AlarmId}");

    /// <returns><see langword="false"/> if it is the id of no condition, whether there is one or not.</returns>
    public static bool TryParse(NodeId id, out string device, out string alarm)
    {
        (device, alarm) = ("", "");
        if (id.Type != NodeIdType.String || id.NamespaceIndex != TenantSpace.DevicesNamespace)
            return false;
        var text = System.Text.Encoding.UTF8.GetString(id.Identifier);
        var mark = text.IndexOf(Mark, StringComparison.Ordinal);
        if (mark < 0)
            return false;
        (device, alarm) = (text[..mark], text[(mark + 1)..]);
        return true;
    }
}
