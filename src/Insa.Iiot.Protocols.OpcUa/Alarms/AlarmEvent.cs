using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Alarms;

/// <summary>The state of an alarm as an event of AlarmConditionType (OPC 10000-9 §5.8.2).</summary>
internal sealed class AlarmEvent : UaEvent
{
    private readonly AlarmState _state;
    private readonly ushort _lastSeverity;
    private readonly Variant _condition;
    private readonly Variant _input;

    /// <param name="head">What every event says.</param>
    /// <param name="state">The state.</param>
    /// <param name="lastSeverity">The severity of the state before.</param>
    /// <param name="input">The metric that the alarm watches; null if there is none.</param>
    public AlarmEvent(in EventHead head, AlarmState state, ushort lastSeverity, NodeId input)
        : base(head)
    {
        (_state, _lastSeverity) = (state, lastSeverity);
        _condition = Variant.Of(ConditionIds.Of(state));
        _input = Variant.Of(input);
    }

    public override Variant ConditionId => _condition;

    public override Variant Get(string path) =>
        path switch
        {
            "ConditionClassId" => Variant.Of(NodeId.Of(NodeIds.ProcessConditionClassType)),
            "ConditionClassName" => Text("Process"),
            "ConditionName" => Variant.Of(_state.Name),

            // There are no branches: what was before the present state is not kept.
            "BranchId" => Variant.Of(default(NodeId)),
            "Retain" => Variant.Of(_state.IsRetained),
            "EnabledState" => Text("Enabled"),
            "EnabledState/Id" => Variant.Of(true),
            "Quality" => Variant.Of(StatusCodes.Good),
            "LastSeverity" => Variant.Of(_lastSeverity),
            "Comment" => Text(_state.Comment?.Text),
            "Comment/SourceTimestamp" => Variant.OfDateTime(_state.Comment is { } comment ? UaDateTime.FromTicks(comment.Time.Ticks) : 0),
            "ClientUserId" => Variant.Of(_state.Comment?.User),
            "AckedState" => Text(_state.IsAcknowledged ? "Acknowledged" : "Unacknowledged"),
            "AckedState/Id" => Variant.Of(_state.IsAcknowledged),
            "ActiveState" => Text(_state.IsActive ? "Active" : "Inactive"),
            "ActiveState/Id" => Variant.Of(_state.IsActive),
            "InputNode" => _input,
            "SuppressedOrShelved" => Variant.Of(false),
            "Quality/SourceTimestamp" or "LastSeverity/SourceTimestamp" => Variant.OfDateTime(Head.Time),
            _ => base.Get(path),
        };

    public override UaEvent? SeenBy(SpaceUser user) => user.MaySeeAlarms ? base.SeenBy(user) : null;

    private static Variant Text(string? text) => Variant.Of(new LocalizedText(null, text));
}
