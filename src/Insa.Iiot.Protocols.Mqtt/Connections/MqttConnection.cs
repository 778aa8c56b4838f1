using System.IO.Pipelines;
using System.Threading.Channels;
using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using Insa.Iiot.Protocols.Mqtt.Messaging;
using Insa.Iiot.Protocols.Mqtt.Packets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

/// <summary>One client's connection: a loop that reads packets in place, and one that acknowledges in order.</summary>
/// <remarks>
/// Split by aspect: this file begins and ends it, <c>.Receive</c> reads, <c>.Acknowledge</c> replies, <c>.Answers</c> takes what answers commands,
/// <c>.Broker</c> passes on the rest.
/// </remarks>
internal sealed partial class MqttConnection
{
    private const int OtherReplies = 64;
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private readonly ConnectionContext _transport;
    private readonly ConnectRequest _client;
    private readonly MqttEndpointOptions _options;
    private readonly ITelemetryIngress _ingress;
    private readonly DeviceBroker _broker;
    private readonly IDeviceCommands? _commands;
    private readonly MqttMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly DeviceSession _session;
    private readonly byte _version;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;

    // Whoever writes to the output holds it: acknowledgements, ping responses and the broker's packets come from different threads.
    private readonly SemaphoreSlim _writing = new(1);
    private readonly Channel<Reply> _replies;
    private readonly int _replyCapacity;
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MqttReason _endReason;
    private int _inFlight;
    private long _lastPacket;
    private bool _isHeldBack;

    public MqttConnection(
        ConnectionContext transport,
        ConnectRequest client,
        MqttEndpointOptions options,
        ITelemetryIngress ingress,
        DeviceBroker broker,
        IDeviceCommands? commands,
        MqttMetrics metrics,
        TimeProvider time,
        ILogger logger
    )
    {
        _transport = transport;
        _client = client;
        _options = options;
        _ingress = ingress;
        _broker = broker;
        _commands = commands;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _session = client.Session;
        _version = client.Version;
        _input = transport.Transport.Input;
        _output = transport.Transport.Output;
        _aliases = new byte[options.TopicAliasMaximum + 1][];

        // Bounded by what the client may have in flight, and some more for other replies. When a 3.1.1 client has more, reading stops.
        _replyCapacity = options.ReceiveMaximum + OtherReplies;
        _replies = Channel.CreateBounded<Reply>(new BoundedChannelOptions(_replyCapacity) { SingleReader = true, SingleWriter = true });
    }

    /// <summary>Completes when nothing of the connection is taken any more. Acknowledgements of what was taken may still be leaving.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Ends the connection because its client has connected anew.</summary>
    public void TakeOver() => End(MqttReason.SessionTakenOver);

    public async Task RunAsync(ClientRegistry clients)
    {
        try
        {
            await clients.TakeOverAsync(_client.Key, this).ConfigureAwait(false);
            await AnswerConnectAsync().ConfigureAwait(false);
            _logger.Connected(_session.Tenant, _session.Device, _version);

            var stopping = _transport.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
            await using var stop = stopping.Register(() => End(MqttReason.ServerShuttingDown)).ConfigureAwait(false);
            await using var keepAlive = WatchKeepAlive().ConfigureAwait(false);
            var acknowledging = AcknowledgeAsync();
            try
            {
                await ReceiveAsync().ConfigureAwait(false);
            }
            finally
            {
                _replies.Writer.Complete();
                await DetachAsync().ConfigureAwait(false);
                _ended.TrySetResult();
                await FinishAsync(acknowledging).ConfigureAwait(false);
            }
        }
        finally
        {
            await DetachAsync().ConfigureAwait(false);
            clients.Remove(_client.Key, this);
            _ended.TrySetResult();
        }
    }

    private async Task AnswerConnectAsync()
    {
        var isSessionPresent = false;
        if (_client.NeedsBroker)
        {
            Attach();
            isSessionPresent = await _attachment!.Attached.ConfigureAwait(false);
        }

        MqttPacketWriter.WriteConnAck(
            _output,
            _version,
            MqttReason.Success,
            _options,
            isSessionPresent,
            _client.SessionExpiry,
            _client.IsClientIdAssigned ? _client.ClientId : null
        );
        await _output.FlushAsync().ConfigureAwait(false);
        _isOpen.TrySetResult();
    }

    // A client that is replaced or does not answer gets a moment, and not until the store has committed what it sent: it sends it again.
    private async Task FinishAsync(Task acknowledging)
    {
        if (_endReason is not (MqttReason.SessionTakenOver or MqttReason.KeepAliveTimeout))
        {
            await acknowledging.ConfigureAwait(false);
            return;
        }

        using var farewell = new CancellationTokenSource(Farewell, _time);
        try
        {
            await acknowledging.WaitAsync(farewell.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The acknowledging loop ends with the commits it waits for, on a transport that is then gone.
            _transport.Abort();
        }
    }

    private ITimer WatchKeepAlive()
    {
        _lastPacket = _time.GetTimestamp();
        if (_client.KeepAlive == 0)
            return _time.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        // §3.1.2.10: one and a half times the keep alive.
        var limit = TimeSpan.FromSeconds(_client.KeepAlive * 1.5);
        ITimer? timer = null;
        timer = _time.CreateTimer(
            _ =>
            {
                var idle = _time.GetElapsedTime(Volatile.Read(ref _lastPacket));
                if (Volatile.Read(ref _isHeldBack))
                    timer?.Change(limit, Timeout.InfiniteTimeSpan);
                else if (idle >= limit)
                    End(MqttReason.KeepAliveTimeout);
                else
                    timer?.Change(limit - idle, Timeout.InfiniteTimeSpan);
            },
            null,
            limit,
            Timeout.InfiniteTimeSpan
        );
        return timer;
    }

    // Stops the reading loop; the acknowledging one then sends what is due, says why, and closes.
    private void End(MqttReason reason)
    {
        if (_endReason == MqttReason.Success)
            _endReason = reason;
        _ending.Cancel();
        _input.CancelPendingRead();
    }
}
