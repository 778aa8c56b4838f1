using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using Insa.Iiot.Protocols.Mqtt.Connections;
using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using MQTTnet.Adapter;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace Insa.Iiot.Protocols.Mqtt.Messaging;

/// <summary>One client as MQTTnet sees it: packets go in by a bounded queue, and come out encoded, with topics of the device's own space.</summary>
/// <remarks>MQTTnet ignores what a client takes in flight and how large a packet may be (MQTT 5 §3.1.2.11); both are kept here.</remarks>
internal sealed partial class BrokerChannel : IMqttChannelAdapter
{
    private const int MaxInbound = 16;
    private const int MaxHeld = 256;

    private readonly ConnectRequest _client;
    private readonly TopicSpace _topics;
    private readonly DeviceTopics _device;
    private readonly IBrokerOutput _output;
    private readonly IDeviceCommands? _commands;
    private readonly MqttMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly MqttPacketFormatterAdapter _decoder;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource<bool> _attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<MqttPublishPacket> _held = new();
    private readonly HashSet<ushort> _inFlight = [];
    private bool _isInGate;
    private readonly Channel<MqttPacket> _inbound = Channel.CreateBounded<MqttPacket>(
        new BoundedChannelOptions(MaxInbound) { SingleReader = true, SingleWriter = true }
    );

    public BrokerChannel(
        ConnectRequest client,
        bool isKept,
        DeviceTopics device,
        IBrokerOutput output,
        IDeviceCommands? commands,
        MqttMetrics metrics,
        TimeProvider time
    )
    {
        _client = client;
        _topics = new TopicSpace(client.Session.Tenant, client.Session.Device);
        _device = device;
        _output = output;
        _commands = commands;
        _metrics = metrics;
        _time = time;
        _commandFilters = isKept ? device.CommandFiltersOf(client.ClientId) : [];
        ClientId = _topics.ToInternal(client.ClientId);
        var version = client.Version == 5 ? MqttProtocolVersion.V500 : MqttProtocolVersion.V311;
        PacketFormatterAdapter = new MqttPacketFormatterAdapter(version, new MqttBufferWriter(512, 64 * 1024));
        _decoder = new MqttPacketFormatterAdapter(version, new MqttBufferWriter(64, 64));
        _inbound.Writer.TryWrite(MakeConnect(isKept));
    }

    /// <summary>The client's id within MQTTnet: its own behind its tenant's and its device's name.</summary>
    public string ClientId { get; }

    /// <summary>Completes when MQTTnet has let the client in: whether it found a session of it.</summary>
    public Task<bool> Attached => _attached.Task;

    /// <summary>Completes when MQTTnet has forgotten the connection.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    public EndPoint? RemoteEndPoint => null;

    public EndPoint? LocalEndPoint => null;

    public bool IsSecureConnection => false;

    public X509Certificate2? ClientCertificate => null;

    public MqttPacketFormatterAdapter PacketFormatterAdapter { get; }

    public long BytesReceived => 0;

    public long BytesSent => 0;

    public void Run(Func<IMqttChannelAdapter, Task> handler) =>
        Ended = Task.Run(async () =>
        {
            try
            {
                await handler(this).ConfigureAwait(false);
            }
            finally
            {
                LeaveGate();
                _attached.TrySetCanceled();
                if (!_closing.IsCancellationRequested)
                    _output.Disconnect();
            }
        });

    /// <summary>Decodes a packet of the client's.</summary>
    /// <returns><see langword="null"/> if it is malformed.</returns>
    public MqttPacket? TryDecode(byte first, ReadOnlySpan<byte> body, string? topic)
    {
        try
        {
            var packet = _decoder.Decode(new ReceivedMqttPacket(first, new ArraySegment<byte>(body.ToArray()), body.Length + 2));
            switch (packet)
            {
                case MqttPublishPacket publish:
                    publish.Topic = _topics.ToInternal(topic ?? publish.Topic);
                    publish.TopicAlias = 0;
                    break;
                case MqttSubscribePacket subscribe:
                    foreach (var filter in subscribe.TopicFilters)
                        filter.Topic = _topics.ToInternal(filter.Topic);
                    break;
                case MqttUnsubscribePacket unsubscribe:
                    for (var i = 0; i < unsubscribe.TopicFilters.Count; i++)
                        unsubscribe.TopicFilters[i] = _topics.ToInternal(unsubscribe.TopicFilters[i]);
                    break;
            }

            return packet;
        }
        catch (Exception e)
            when (e is MqttProtocolViolationException or ArgumentException or InvalidOperationException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>Passes a packet on; waits while MQTTnet is behind.</summary>
    public async ValueTask ForwardAsync(MqttPacket packet, CancellationToken cancellationToken)
    {
        if (
            packet is MqttPubAckPacket or MqttPubCompPacket or MqttPubRecPacket { ReasonCode: >= MqttPubRecReasonCode.UnspecifiedError }
            && await AcknowledgedAsync((MqttPacketWithIdentifier)packet, cancellationToken).ConfigureAwait(false)
        )
            return;
        NoteFilters(packet);
        await _inbound.Writer.WriteAsync(packet, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends the client within MQTTnet; its will is published unless a DISCONNECT was passed on.</summary>
    public async Task CloseAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        _inbound.Writer.TryComplete();
        await Ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _delivering.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async Task<MqttPacket?> ReceivePacketAsync(CancellationToken cancellationToken)
    {
        // MQTTnet asks for the next packet when it has handled the last.
        LeaveGate();
        while (await _inbound.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (!_inbound.Reader.TryRead(out var packet))
                continue;
            if (packet is MqttSubscribePacket or MqttPublishPacket { Retain: true })
            {
                await _device.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
                _isInGate = true;
            }

            return packet;
        }

        // The queue's end is the connection's.
        return null;
    }

    private void LeaveGate()
    {
        if (!_isInGate)
            return;
        _isInGate = false;
        _device.Gate.Release();
    }

    public async Task SendPacketAsync(MqttPacket packet, CancellationToken cancellationToken)
    {
        switch (packet)
        {
            case MqttConnAckPacket connAck:
                if (!connAck.IsSessionPresent)
                    _commandFilters.Clear();
                if (_commands is not null)
                    BeginCommands();
                _attached.TrySetResult(connAck.IsSessionPresent);
                return;
            case MqttDisconnectPacket:
                _output.Disconnect();
                return;
            case MqttSubAckPacket subAck when _client.Version < 5:
                // MQTT 3.1.1 §3.9.3 knows one code of failure.
                for (var i = 0; i < subAck.ReasonCodes.Count; i++)
                {
                    if (subAck.ReasonCodes[i] > MqttSubscribeReasonCode.GrantedQoS2)
                        subAck.ReasonCodes[i] = MqttSubscribeReasonCode.UnspecifiedError;
                }

                break;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        await _sending.WaitAsync(either.Token).ConfigureAwait(false);
        try
        {
            if (packet is MqttPublishPacket publish)
            {
                // MQTTnet shares the topic with other receivers; the packet is this client's own.
                publish.Topic = _topics.ToExternal(publish.Topic);
                if (
                    publish.QualityOfServiceLevel > MqttQualityOfServiceLevel.AtMostOnce
                    && !_inFlight.Contains(publish.PacketIdentifier)
                    && (_held.Count > 0 || !MaySend(publish))
                )
                {
                    if (_held.Count < MaxHeld)
                        _held.Enqueue(publish);
                    return;
                }
            }

            await EncodeAsync(packet, either.Token).ConfigureAwait(false);
            FiltersAnswered(packet);
        }
        finally
        {
            _sending.Release();
        }
    }

    public Task ConnectAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task DisconnectAsync(CancellationToken cancellationToken)
    {
        _output.Disconnect();
        return Task.CompletedTask;
    }

    public void ResetStatistics() { }

    public void Dispose() => _output.Disconnect();

    private int InFlight => _inFlight.Count + _commandsInFlight.Count;

    private bool MaySend(MqttPublishPacket packet) =>
        InFlight < _client.ReceiveMaximum && !_commandsInFlight.ContainsKey(packet.PacketIdentifier);

    /// <returns>Whether it was of a message that MQTTnet does not know of.</returns>
    private async ValueTask<bool> AcknowledgedAsync(MqttPacketWithIdentifier packet, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var isCommand = packet is MqttPubAckPacket ack && CommandAcknowledged(ack);
            if (!isCommand && _inFlight.Remove(packet.PacketIdentifier) && _commandFilters.Count > 0)
                WakeCommands();
            while (_held.TryPeek(out var next) && MaySend(next))
                await EncodeAsync(_held.Dequeue(), cancellationToken).ConfigureAwait(false);
            return isCommand;
        }
        finally
        {
            _sending.Release();
        }
    }

    private async ValueTask EncodeAsync(MqttPacket packet, CancellationToken cancellationToken)
    {
        var encoded = PacketFormatterAdapter.Encode(packet);
        byte[] bytes = encoded.ToArray();
        PacketFormatterAdapter.Cleanup();

        // §3.1.2.11.4: a packet that is too large for the client is dropped as if it had been sent.
        if (bytes.Length > _client.MaximumPacketBytes)
            return;
        if (packet is MqttPublishPacket { QualityOfServiceLevel: > MqttQualityOfServiceLevel.AtMostOnce } publish)
            _inFlight.Add(publish.PacketIdentifier);
        await _output.SendAsync(bytes, cancellationToken).ConfigureAwait(false);
    }

    private MqttConnectPacket MakeConnect(bool isKept)
    {
        var connect = new MqttConnectPacket
        {
            ClientId = ClientId,
            CleanSession = _client.CleanStart || !isKept,
            SessionExpiryInterval = isKept && _client.Version == 5 ? _client.SessionExpiry : 0,
            KeepAlivePeriod = 0, // the endpoint watches it
            ReceiveMaximum = _client.ReceiveMaximum,
        };
        if (_client.Will is { } will)
        {
            connect.WillFlag = true;
            connect.WillTopic = _topics.ToInternal(will.Topic);
            connect.WillMessage = will.Payload;
            connect.WillQoS = (MqttQualityOfServiceLevel)will.QoS;
            connect.WillRetain = will.Retain;
        }

        return connect;
    }
}
