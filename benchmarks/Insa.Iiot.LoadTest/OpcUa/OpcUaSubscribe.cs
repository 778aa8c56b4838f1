using System.Diagnostics;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>A subscription over one connection, whose notifications are counted and timed from their source timestamps on. Runs on a thread of its own.</summary>
internal sealed class OpcUaSubscribe
{
    private const int PublishesInFlight = 5;
    private const int ItemsPerRequest = 1000;

    private readonly OpcUaClient _client;
    private readonly byte[] _publish;
    private readonly int _acknowledgementAt;
    private readonly uint _subscription;

    private OpcUaSubscribe(OpcUaClient client, uint subscription)
    {
        _client = client;
        _subscription = subscription;
        // One acknowledgement at the end of the request; its sequence number is filled in.
        _publish = OpcUaChannel.Encode(
            new PublishRequest
            {
                RequestHeader = client.Header(),
                SubscriptionAcknowledgements = [new SubscriptionAcknowledgement { SubscriptionId = subscription }],
            }
        );
        _acknowledgementAt = _publish.Length - sizeof(uint);
    }

    public LatencyHistogram Latency { get; } = new();

    /// <summary>Publish responses.</summary>
    public long Answered { get; private set; }

    public long Notifications { get; private set; }

    public long Errors { get; private set; }

    /// <summary>Makes a subscription of some variables.</summary>
    public static OpcUaSubscribe Create(
        OpcUaClient client,
        ushort ns,
        int first,
        int count,
        double publishingInterval,
        double samplingInterval
    )
    {
        var created = client.Call<CreateSubscriptionResponse>(
            new CreateSubscriptionRequest
            {
                RequestHeader = client.Header(),
                RequestedPublishingInterval = publishingInterval,
                RequestedLifetimeCount = 6000,
                RequestedMaxKeepAliveCount = 2000,
                PublishingEnabled = true,
            }
        );
        var subscribe = new OpcUaSubscribe(client, created.SubscriptionId);
        for (var at = 0; at < count; at += ItemsPerRequest)
            subscribe.AddItems(ns, first + at, Math.Min(ItemsPerRequest, count - at), samplingInterval);
        return subscribe;
    }

    /// <summary>Takes notifications until a time; what comes before <paramref name="from"/> is not counted.</summary>
    public void Run(long from, long until)
    {
        var plain = OpcUaChannel.Encode(new PublishRequest { RequestHeader = _client.Header() });
        for (var i = 0; i < PublishesInFlight; i++)
            _client.Channel.Send(plain);
        while (Stopwatch.GetTimestamp() < until)
        {
            var body = _client.Channel.Receive(out _);
            Take(body, Stopwatch.GetTimestamp() >= from);
            _client.Channel.Send(_publish);
        }
    }

    private void AddItems(ushort ns, int first, int count, double samplingInterval)
    {
        var response = _client.Call<CreateMonitoredItemsResponse>(
            new CreateMonitoredItemsRequest
            {
                RequestHeader = _client.Header(),
                SubscriptionId = _subscription,
                TimestampsToReturn = TimestampsToReturn.Source,
                ItemsToCreate =
                [
                    .. Enumerable
                        .Range(first, count)
                        .Select(i => new MonitoredItemCreateRequest
                        {
                            ItemToMonitor = new ReadValueId { NodeId = OpcUaPlant.Id(ns, i % OpcUaPlant.Variables), AttributeId = 13 },
                            MonitoringMode = MonitoringMode.Reporting,
                            RequestedParameters = new MonitoringParameters
                            {
                                ClientHandle = (uint)i,
                                SamplingInterval = samplingInterval,
                                QueueSize = 2,
                                DiscardOldest = true,
                            },
                        }),
                ],
            }
        );
        if (response.Results!.FirstOrDefault(result => !result.StatusCode.IsGood) is { } refused)
            throw new InvalidDataException($"An item was refused: {refused.StatusCode}.");
    }

    private void Take(ReadOnlySpan<byte> body, bool counts)
    {
        var reader = new UaReader(body, OpcUaChannel.Limits);
        if (!reader.NodeId().Is(PublishResponse.BinaryEncodingId))
        {
            Errors++;
            return;
        }

        ResponseHeader.Decode(ref reader);
        reader.UInt32();
        for (var i = reader.ArrayLength(sizeof(uint)); i > 0; i--)
            reader.UInt32();
        reader.Boolean();
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(_publish.AsSpan(_acknowledgementAt), reader.UInt32());
        reader.DateTime();
        var now = TimeProvider.System.GetUaTicks();
        Answered += counts ? 1 : 0;
        for (var i = reader.ArrayLength(3); i > 0; i--)
        {
            var view = reader.ExtensionObjectView();
            if (view.Is(DataChangeNotification.BinaryEncodingId))
                TakeChanges(view.Body, now, counts);
            else
                Errors++;
        }

        if (!reader.Status.IsGood)
            Errors++;
    }

    private void TakeChanges(ReadOnlySpan<byte> body, long now, bool counts)
    {
        var reader = new UaReader(body, OpcUaChannel.Limits);
        for (var i = reader.ArrayLength(5); i > 0; i--)
        {
            reader.UInt32();
            var value = reader.DataValue();
            if (!counts)
                continue;
            Notifications++;
            if (!value.Status.IsGood || value.Value.Type != BuiltInType.Double)
                Errors++;
            Latency.Record((now - value.SourceTimestamp) * Stopwatch.Frequency / TimeSpan.TicksPerSecond);
        }

        if (!reader.Status.IsGood)
            Errors++;
    }
}
