using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>Something that has happened (OPC 10000-5 §6.4.2). One object for all who hear of it; immutable.</summary>
internal class UaEvent
{
    private readonly Variant _type;
    private readonly Variant _source;
    private readonly Variant _message;

    public UaEvent(in EventHead head)
    {
        (Head, Type, Device) = (head, head.Type, head.Device);
        _type = Variant.Of(head.TypeId);
        _source = Variant.Of(head.Source);
        _message = Variant.Of(new LocalizedText(null, head.Message));
    }

    /// <summary>The index of its type in <see cref="StandardNodes"/>.</summary>
    public int Type { get; }

    /// <summary>The device it is of; <see langword="null"/> for events of the server.</summary>
    public DeviceNode? Device { get; }

    /// <summary>Names it. Random: nobody learns anything from it.</summary>
    public ReadOnlySpan<byte> Id => Head.Id;

    /// <summary>Which condition it tells of (OPC 10000-9 §5.5.2); null if it tells of none.</summary>
    public virtual Variant ConditionId => default;

    protected EventHead Head { get; }

    /// <summary>A field by its path of browse names below the type, with <c>/</c> between them. Null if the event has no such field.</summary>
    public virtual Variant Get(string path) =>
        path switch
        {
            "EventId" => Variant.OfByteString(Head.Id),
            "EventType" => _type,
            "SourceNode" => _source,
            "SourceName" => Variant.Of(Head.SourceName),
            "Time" => Variant.OfDateTime(Head.Time),
            "ReceiveTime" => Variant.OfDateTime(Head.ReceiveTime),
            "Message" => _message,
            "Severity" => Variant.Of(Head.Severity),
            _ => default,
        };

    /// <summary>What a user may know of it.</summary>
    /// <returns><see langword="null"/> if that is nothing.</returns>
    public virtual UaEvent? SeenBy(SpaceUser user) => Device is null || user.MaySee(Device) ? this : null;
}
