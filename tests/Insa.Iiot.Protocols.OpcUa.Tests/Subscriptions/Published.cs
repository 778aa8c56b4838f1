using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>The answer to a Publish request, taken apart.</summary>
internal sealed record Published(
    StatusCode Fault,
    uint SubscriptionId,
    uint SequenceNumber,
    IReadOnlyList<(uint Handle, DataValue Value)> Values,
    StatusCode? StatusChange,
    bool More,
    IReadOnlyList<uint> Available,
    IReadOnlyList<StatusCode> Results
)
{
    /// <summary>The events with their fields, as selected.</summary>
    public IReadOnlyList<(uint Handle, Variant[] Fields)> Events { get; private init; } = [];

    public bool IsKeepAlive => Fault.IsGood && Values.Count == 0 && Events.Count == 0 && StatusChange is null;

    /// <summary>The first field of each event of an item, which has to be a text.</summary>
    public IEnumerable<string?> Messages(uint handle = 1) =>
        Events.Where(e => e.Handle == handle).Select(e => ((LocalizedText)e.Fields[0].Reference!).Text);

    /// <summary>The numbers reported for an item, in their order.</summary>
    public IEnumerable<double> Numbers(uint handle = 1)
    {
        foreach (var (item, value) in Values.Where(value => value.Handle == handle))
        {
            Assert.True(value.Value.TryGetNumber(out var number));
            yield return number;
        }
    }

    public static Published Of(byte[] answer)
    {
        var reader = new UaReader(answer, EncodingLimits.Default);
        var type = reader.NodeId().Numeric;
        if (type == EncodingIds.ServiceFault)
            return new(ServiceFault.Decode(ref reader).ResponseHeader.ServiceResult, 0, 0, [], null, false, [], []);

        Assert.Equal(EncodingIds.PublishResponse, type);
        var response = PublishResponse.Decode(ref reader);
        Assert.True(reader.Status.IsGood && reader.Remaining == 0);
        var (values, status) = Taken(response.NotificationMessage);
        return new(
            default,
            response.SubscriptionId,
            response.NotificationMessage.SequenceNumber,
            values,
            status,
            response.MoreNotifications,
            response.AvailableSequenceNumbers ?? [],
            response.Results ?? []
        )
        {
            Events = EventsOf(response.NotificationMessage),
        };
    }

    public static IReadOnlyList<(uint Handle, Variant[] Fields)> EventsOf(NotificationMessage message) =>
        [
            .. (message.NotificationData ?? [])
                .Where(data => data.TypeId.Is(EncodingIds.EventNotificationList))
                .SelectMany(data =>
                    data.TryGet<EventNotificationList>(EncodingLimits.Default, out var list)
                        ? list.Events!
                        : throw new InvalidDataException()
                )
                .Select(e => (e.ClientHandle, e.EventFields!)),
        ];

    public static (IReadOnlyList<(uint Handle, DataValue Value)> Values, StatusCode? Status) Taken(NotificationMessage message)
    {
        var values = new List<(uint, DataValue)>();
        StatusCode? status = null;
        foreach (var data in message.NotificationData ?? [])
        {
            if (data.TryGet<DataChangeNotification>(EncodingLimits.Default, out var changes))
                values.AddRange(changes.MonitoredItems!.Select(item => (item.ClientHandle, item.Value)));
            else if (data.TryGet<StatusChangeNotification>(EncodingLimits.Default, out var change))
                status = change.Status;
            else if (!data.TypeId.Is(EncodingIds.EventNotificationList))
                Assert.Fail("A notification of an unknown type.");
        }

        return (values, status);
    }
}
