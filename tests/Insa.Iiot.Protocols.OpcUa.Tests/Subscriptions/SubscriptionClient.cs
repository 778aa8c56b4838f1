using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>A client of one session. Its calls are answered at once, its Publish requests when there is something to say.</summary>
internal sealed class SubscriptionClient(ServiceTable table, FakeTimeProvider time, UaSession session) : IResponseOutput, IDisposable
{
    private readonly Lock _gate = new();
    private readonly PooledOutput _output = new();
    private readonly Queue<(uint RequestId, byte[] Answer)> _published = [];
    private readonly HashSet<uint> _publishing = [];
    private byte[]? _answer;
    private uint _requestId;
    private uint _writing;

    public static RequestHeader Header { get; } = new() { TimeoutHint = 10_000 };

    public UaSession Session => session;

    /// <summary>The context of the last request.</summary>
    public RequestContext? Context { get; private set; }

    /// <summary>Lets time pass as a clock does: by small steps.</summary>
    public static void Pass(FakeTimeProvider time, int milliseconds)
    {
        for (; milliseconds > 0; milliseconds -= 10)
            time.Advance(TimeSpan.FromMilliseconds(10));
    }

    /// <summary>Publish requests that are answered and not taken yet.</summary>
    public int Answered
    {
        get
        {
            lock (_gate)
                return _published.Count;
        }
    }

    /// <summary>Publish requests that are not answered.</summary>
    public int WaitingRequests
    {
        get
        {
            lock (_gate)
                return _publishing.Count;
        }
    }

    public uint CreateSubscription(
        double interval = 100,
        uint lifetime = 30,
        uint keepAlive = 10,
        uint maxNotifications = 0,
        bool enabled = true,
        byte priority = 0
    ) => Create(interval, lifetime, keepAlive, maxNotifications, enabled, priority).SubscriptionId;

    public CreateSubscriptionResponse Create(
        double interval = 100,
        uint lifetime = 30,
        uint keepAlive = 10,
        uint maxNotifications = 0,
        bool enabled = true,
        byte priority = 0
    ) =>
        Call<CreateSubscriptionResponse>(
            new CreateSubscriptionRequest
            {
                RequestHeader = Header,
                RequestedPublishingInterval = interval,
                RequestedLifetimeCount = lifetime,
                RequestedMaxKeepAliveCount = keepAlive,
                MaxNotificationsPerPublish = maxNotifications,
                PublishingEnabled = enabled,
                Priority = priority,
            }
        );

    /// <summary>Creates an item that must be good.</summary>
    public uint Monitor(
        uint subscription,
        string node,
        uint handle = 1,
        MonitoringMode mode = MonitoringMode.Reporting,
        double sampling = 0,
        uint queueSize = 1,
        bool discardOldest = true,
        IUaEncodable? filter = null,
        string? range = null,
        TimestampsToReturn timestamps = TimestampsToReturn.Both
    )
    {
        var result = TryMonitor(subscription, Item(node, handle, mode, sampling, queueSize, discardOldest, filter, range), timestamps);
        Assert.Equal(StatusCodes.Good, result.StatusCode);
        return result.MonitoredItemId;
    }

    /// <summary>Creates an item of events that must be good.</summary>
    public uint MonitorEvents(
        uint subscription,
        string node,
        IUaEncodable filter,
        uint handle = 1,
        MonitoringMode mode = MonitoringMode.Reporting,
        uint queueSize = 0,
        bool discardOldest = true
    )
    {
        var result = TryMonitor(subscription, Item(node, handle, mode, 0, queueSize, discardOldest, filter, attribute: 12));
        Assert.Equal(StatusCodes.Good, result.StatusCode);
        return result.MonitoredItemId;
    }

    public MonitoredItemCreateResult TryMonitor(
        uint subscription,
        MonitoredItemCreateRequest item,
        TimestampsToReturn timestamps = TimestampsToReturn.Both
    ) => Assert.Single(Call<CreateMonitoredItemsResponse>(Items(subscription, [item], timestamps)).Results!);

    public static CreateMonitoredItemsRequest Items(
        uint subscription,
        MonitoredItemCreateRequest[]? items,
        TimestampsToReturn timestamps = TimestampsToReturn.Both
    ) =>
        new()
        {
            RequestHeader = Header,
            SubscriptionId = subscription,
            TimestampsToReturn = timestamps,
            ItemsToCreate = items,
        };

    public static MonitoredItemCreateRequest Item(
        string node,
        uint handle = 1,
        MonitoringMode mode = MonitoringMode.Reporting,
        double sampling = 0,
        uint queueSize = 1,
        bool discardOldest = true,
        IUaEncodable? filter = null,
        string? range = null,
        uint attribute = 13,
        QualifiedName encoding = default
    ) =>
        new()
        {
            ItemToMonitor = new ReadValueId
            {
                NodeId = NodeId.TryParse(node, out var id) ? id : FakeValues.IdOf(node),
                AttributeId = attribute,
                IndexRange = range,
                DataEncoding = encoding,
            },
            MonitoringMode = mode,
            RequestedParameters = Parameters(handle, sampling, queueSize, discardOldest, filter),
        };

    public static MonitoringParameters Parameters(
        uint handle = 1,
        double sampling = 0,
        uint queueSize = 1,
        bool discardOldest = true,
        IUaEncodable? filter = null
    ) =>
        new()
        {
            ClientHandle = handle,
            SamplingInterval = sampling,
            QueueSize = queueSize,
            DiscardOldest = discardOldest,
            Filter = filter is null ? default : new ExtensionObject(filter),
        };

    public MonitoredItemModifyResult Modify(
        uint subscription,
        uint item,
        MonitoringParameters parameters,
        TimestampsToReturn timestamps = TimestampsToReturn.Both
    ) =>
        Assert.Single(
            Call<ModifyMonitoredItemsResponse>(
                new ModifyMonitoredItemsRequest
                {
                    RequestHeader = Header,
                    SubscriptionId = subscription,
                    TimestampsToReturn = timestamps,
                    ItemsToModify = [new MonitoredItemModifyRequest { MonitoredItemId = item, RequestedParameters = parameters }],
                }
            ).Results!
        );

    public StatusCode[] SetMode(uint subscription, MonitoringMode mode, params uint[] items) =>
        Call<SetMonitoringModeResponse>(
            new SetMonitoringModeRequest
            {
                RequestHeader = Header,
                SubscriptionId = subscription,
                MonitoringMode = mode,
                MonitoredItemIds = items,
            }
        ).Results!;

    public StatusCode[] DeleteItems(uint subscription, params uint[] items) =>
        Call<DeleteMonitoredItemsResponse>(
            new DeleteMonitoredItemsRequest
            {
                RequestHeader = Header,
                SubscriptionId = subscription,
                MonitoredItemIds = items,
            }
        ).Results!;

    public StatusCode[] SetPublishing(bool enabled, params uint[] subscriptions) =>
        Call<SetPublishingModeResponse>(
            new SetPublishingModeRequest
            {
                RequestHeader = Header,
                PublishingEnabled = enabled,
                SubscriptionIds = subscriptions,
            }
        ).Results!;

    public StatusCode[] Delete(params uint[] subscriptions) =>
        Call<DeleteSubscriptionsResponse>(
            new DeleteSubscriptionsRequest { RequestHeader = Header, SubscriptionIds = subscriptions }
        ).Results!;

    public TransferResult[] Transfer(bool sendInitialValues, params uint[] subscriptions) =>
        Call<TransferSubscriptionsResponse>(
            new TransferSubscriptionsRequest
            {
                RequestHeader = Header,
                SendInitialValues = sendInitialValues,
                SubscriptionIds = subscriptions,
            }
        ).Results!;

    /// <summary>Sends a Publish request with acknowledgements.</summary>
    public uint Publish(params (uint Subscription, uint SequenceNumber)[] acknowledgements)
    {
        Send(
            new PublishRequest
            {
                RequestHeader = Header,
                SubscriptionAcknowledgements =
                [
                    .. acknowledgements.Select(ack => new SubscriptionAcknowledgement
                    {
                        SubscriptionId = ack.Subscription,
                        SequenceNumber = ack.SequenceNumber,
                    }),
                ],
            }
        );
        return _requestId;
    }

    public void PublishTimes(int count)
    {
        for (; count > 0; count--)
            Publish();
    }

    /// <summary>Takes the next answer to a Publish request, which must be there.</summary>
    public Published Take() => TakeWithId().Published;

    public (uint RequestId, Published Published) TakeWithId()
    {
        lock (_gate)
        {
            Assert.NotEmpty(_published);
            var (id, answer) = _published.Dequeue();
            return (id, Published.Of(answer));
        }
    }

    /// <summary>Sends a Publish request, lets time pass and takes the answer.</summary>
    public Published Next(int milliseconds = 100)
    {
        Publish();
        Pass(time, milliseconds);
        return Take();
    }

    public void ExpectNothing()
    {
        lock (_gate)
            Assert.Empty(_published);
    }

    public NotificationMessage? Republish(uint subscription, uint sequenceNumber, out StatusCode fault)
    {
        fault = default;
        Send(
            new RepublishRequest
            {
                RequestHeader = Header,
                SubscriptionId = subscription,
                RetransmitSequenceNumber = sequenceNumber,
            }
        );
        var reader = new UaReader(_answer, EncodingLimits.Default);
        if (!reader.NodeId().Is(EncodingIds.ServiceFault))
            return RepublishResponse.Decode(ref reader).NotificationMessage;
        fault = ServiceFault.Decode(ref reader).ResponseHeader.ServiceResult;
        return null;
    }

    public TResponse Call<TResponse>(IUaEncodable request)
        where TResponse : IUaStructure<TResponse>
    {
        Send(request);
        var reader = new UaReader(_answer, EncodingLimits.Default);
        Assert.Equal(TResponse.BinaryEncodingId, reader.NodeId().Numeric);
        var response = TResponse.Decode(ref reader);
        Assert.True(reader.Status.IsGood && reader.Remaining == 0);
        return response;
    }

    public StatusCode Fault(IUaEncodable request) => Call<ServiceFault>(request).ResponseHeader.ServiceResult;

    /// <summary>Sends a request, whatever the answer is.</summary>
    public void Send(IUaEncodable request)
    {
        using var encoded = new PooledOutput();
        var writer = new UaWriter(encoded);
        request.Encode(ref writer);
        writer.Flush();
        Send(request.EncodingId, encoded.WrittenSpan);
    }

    /// <summary>Sends what may be a request, from its header on.</summary>
    public void Send(uint encodingId, ReadOnlySpan<byte> request)
    {
        _answer = null;
        Assert.True(table.TryFind(encodingId, out var service));
        Context = new RequestContext(this, time);
        var reader = new UaReader(request, EncodingLimits.Default);
        var whole = reader;
        Context.Start(ChannelSecurity.Nothing, ++_requestId, ref reader);
        Context.Session = session;
        if (encodingId == EncodingIds.PublishRequest)
        {
            lock (_gate)
                _publishing.Add(_requestId);
        }

        if (service.ReadsHeader)
            service.Handler(Context, ref whole);
        else
            service.Handler(Context, ref reader);
        Assert.True(Context.IsAnswered || Context.IsKept);
    }

    public void Close(bool deleteSubscriptions) => table.SessionClosed(session, deleteSubscriptions);

    public void Dispose() => _output.Dispose();

    IMessageOutput IResponseOutput.BeginMessage(uint requestId)
    {
        _gate.Enter();
        _writing = requestId;
        _output.Clear();
        return _output;
    }

    void IResponseOutput.EndMessage()
    {
        if (_publishing.Remove(_writing))
            _published.Enqueue((_writing, _output.WrittenSpan.ToArray()));
        else
            _answer = _output.WrittenSpan.ToArray();
        _gate.Exit();
    }

    bool IResponseOutput.CancelMessage(StatusCode reason)
    {
        _gate.Exit();
        return true;
    }

    void IResponseOutput.Failed(Exception exception) => Assert.Fail(exception.ToString());

    int IResponseOutput.CancelRequests(UaSession session, uint requestHandle) => 0;

    void IResponseOutput.Faulted(StatusCode status) { }

    void IResponseOutput.Release(RequestContext context) { }
}
