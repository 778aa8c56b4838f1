using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Subscriptions;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Subscriptions;

/// <summary>What items and notifications cost.</summary>
[CollectionDefinition(nameof(SubscriptionCostTests), DisableParallelization = true)]
[Collection(nameof(SubscriptionCostTests))]
public sealed class SubscriptionCostTests
{
    private const int Items = 10_000;

    [Fact]
    public void An_idle_item_takes_no_more_than_500_bytes()
    {
        using var values = new Columns(Items);
        using var world = new Engine(values);
        var subscription = world.Create();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        world.Monitor(subscription, Items);
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Items;
        GC.KeepAlive(world);
        TestContext.Current.TestOutputHelper?.WriteLine($"{each} bytes per item");
        Assert.InRange(each, 1, 500);
    }

    [Fact]
    public void Publishing_allocates_nothing_per_notification()
    {
        using var values = new Columns(Items);
        using var world = new Engine(values);
        var subscription = world.Create();
        world.Monitor(subscription, Items);

        // Until messages that nobody acknowledges make room for others.
        for (var round = 1; round <= 20; round++)
            Round(round);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 21; round <= 30; round++)
            Round(round);
        var perNotification = (GC.GetAllocatedBytesForCurrentThread() - before) / (10.0 * Items);

        // The least that an object takes is 24 bytes; the pool may have let go of a buffer or two.
        Assert.InRange(perNotification, 0, 8);

        void Round(int number)
        {
            values.SetAll(number);
            world.Publish(2);
            world.Time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }

    /// <summary>Numbers, one watcher each.</summary>
    private sealed class Columns(int count) : IMonitoredValues, IDisposable
    {
        private readonly IValueWatcher?[] _watchers = new IValueWatcher?[count];
        private double _number;

        public void SetAll(double number)
        {
            _number = number;
            var value = new DataValue(Variant.Of(number), default, 1000, 1000);
            foreach (var watcher in _watchers)
                watcher!.OnValue(value);
        }

        public StatusCode Find(UaSession session, NodeIdView node, uint attributeId, out MonitoredAttribute attribute)
        {
            attribute = new MonitoredAttribute(null, node.Numeric, attributeId);
            return default;
        }

        public IDisposable? Hold(UaSession session) => null;

        public bool MayRead(UaSession session, in MonitoredAttribute attribute) => true;

        public MonitoredKind KindOf(in MonitoredAttribute attribute) => new(IsNumber: true);

        public DataValue Read(in MonitoredAttribute attribute) => new(Variant.Of(_number), default, 1000, 1000);

        public void Watch(in MonitoredAttribute attribute, IValueWatcher watcher) => _watchers[attribute.Key] = watcher;

        public void Unwatch(in MonitoredAttribute attribute, IValueWatcher watcher) => _watchers[attribute.Key] = null;

        public void Dispose() => Assert.All(_watchers, Assert.Null);
    }

    /// <summary>One session whose answers go nowhere.</summary>
    private sealed class Engine : IResponseOutput, IDisposable
    {
        private readonly UaSession _session = new(NodeId.Of(1, 1), NodeId.Of(2))
        {
            Identity = SessionIdentity.Anonymous(TenantId.Parse("acme")),
        };
        private readonly TestMeterFactory _meters = new();
        private readonly SubscriptionEngine _engine;
        private readonly ServiceTable _table;
        private readonly PooledOutput _output = new();
        private readonly PooledOutput _request = new();
        private readonly Stack<RequestContext> _spare = [];

        public Engine(IMonitoredValues values)
        {
            _engine = new SubscriptionEngine(
                values,
                new FakeEvents(Time),
                new SubscriptionLimits(),
                Time,
                new OpcUaMetrics(_meters),
                NullLogger<SubscriptionEngine>.Instance
            );
            _table = new ServiceTable([new SubscriptionServices(_engine)]);
        }

        public FakeTimeProvider Time { get; } = new();

        public uint Create()
        {
            Send(
                new CreateSubscriptionRequest
                {
                    RequestHeader = SubscriptionClient.Header,
                    RequestedPublishingInterval = 100,
                    PublishingEnabled = true,
                }
            );
            return Assert.Single(_engine.All).Id;
        }

        public void Monitor(uint subscription, int count)
        {
            for (var i = 0; i < count; i += 1000)
            {
                var items = Enumerable
                    .Range(i, 1000)
                    .Select(number => new MonitoredItemCreateRequest
                    {
                        ItemToMonitor = new ReadValueId { NodeId = NodeId.Of((uint)number), AttributeId = 13 },
                        MonitoringMode = MonitoringMode.Reporting,
                        RequestedParameters = SubscriptionClient.Parameters((uint)number),
                    })
                    .ToArray();
                Send(SubscriptionClient.Items(subscription, items));
            }

            Publish(1);
            Time.Advance(TimeSpan.FromMilliseconds(100));
        }

        public void Publish(int requests)
        {
            for (; requests > 0; requests--)
            {
                var writer = new UaWriter(_request);
                _request.Clear();
                writer.Int32(-1);
                writer.Flush();
                Handle(EncodingIds.PublishRequest, headerLength: 0);
            }
        }

        public void Dispose()
        {
            _engine.Dispose();
            _meters.Dispose();
            _output.Dispose();
            _request.Dispose();
        }

        public IMessageOutput BeginMessage(uint requestId)
        {
            _output.Clear();
            return _output;
        }

        public void EndMessage() { }

        public bool CancelMessage(StatusCode reason) => true;

        public void Failed(Exception exception) => Assert.Fail(exception.ToString());

        public int CancelRequests(UaSession session, uint requestHandle) => 0;

        public void Faulted(StatusCode status) { }

        public void Release(RequestContext context) => _spare.Push(context);

        private void Send(IUaEncodable request)
        {
            _request.Clear();
            var writer = new UaWriter(_request);
            request.Encode(ref writer);
            writer.Flush();
            Handle(request.EncodingId, headerLength: 1);
        }

        private void Handle(uint requestId, int headerLength)
        {
            Assert.True(_table.TryFind(requestId, out var service));
            var context = _spare.TryPop(out var spare) ? spare : new RequestContext(this, Time);
            var header = new UaReader(new byte[64], EncodingLimits.Default);
            context.Start(ChannelSecurity.Nothing, 1, ref header);
            context.Session = _session;
            var reader = new UaReader(_request.WrittenSpan, EncodingLimits.Default);
            Assert.Equal(headerLength == 1, service.ReadsHeader);
            service.Handler(context, ref reader);
        }
    }
}
