using System.Threading.Channels;
using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace Insa.Iiot.Protocols.Mqtt.Messaging;

/// <summary>
/// Delivers the commands to the device, from their own store and past MQTTnet's queue, which drops what is too much: a few at a time, and confirmed by
/// their PUBACK.
/// </summary>
internal sealed partial class BrokerChannel
{
    private const int MaxCommandsInFlight = 8;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    // The filters of SUBSCRIBE and UNSUBSCRIBE packets that MQTTnet has not answered yet.
    private readonly Dictionary<ushort, string[]> _asked = [];

    // Of the session, which may outlive the connection: filters that take commands. With them changed under the lock of the sending.
    private readonly HashSet<string> _commandFilters;
    private readonly Dictionary<ushort, long> _commandsInFlight = [];
    private readonly List<long> _confirmed = [];
    private long _lastCommand;
    private int _subscription;
    private Task _delivering = Task.CompletedTask;

    private readonly Channel<bool> _wakes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true }
    );

    /// <summary>Says that the device may have new commands.</summary>
    public void WakeCommands() => _wakes.Writer.TryWrite(true);

    private void NoteFilters(MqttPacket packet)
    {
        if (_commands is null)
            return;
        switch (packet)
        {
            case MqttSubscribePacket subscribe:
                Ask(subscribe.PacketIdentifier, subscribe.TopicFilters.Select(filter => filter.Topic));
                break;
            case MqttUnsubscribePacket unsubscribe:
                Ask(unsubscribe.PacketIdentifier, unsubscribe.TopicFilters);
                break;
        }

        void Ask(ushort id, IEnumerable<string> filters)
        {
            lock (_asked)
                _asked[id] = [.. filters.Select(_topics.ToExternal)];
        }
    }

    // What the client is told that it has is what counts. Under the lock of the sending.
    private void FiltersAnswered(MqttPacket packet)
    {
        if (_commands is null || packet is not (MqttSubAckPacket or MqttUnsubAckPacket))
            return;
        string[]? filters;
        lock (_asked)
        {
            if (!_asked.Remove(((MqttPacketWithIdentifier)packet).PacketIdentifier, out filters))
                return;
        }

        var before = _commandFilters.Count;
        for (var i = 0; i < filters.Length; i++)
        {
            if (!CommandTopics.TakesCommands(filters[i]))
                continue;
            var granted = packet is MqttSubAckPacket subAck && i < subAck.ReasonCodes.Count ? subAck.ReasonCodes[i] : default;
            if (granted is MqttSubscribeReasonCode.GrantedQoS1 or MqttSubscribeReasonCode.GrantedQoS2)
                _commandFilters.Add(filters[i]);
            else if (granted == MqttSubscribeReasonCode.GrantedQoS0)
                _commandFilters.Remove(filters[i]); // without an acknowledgement nothing is delivered
        }

        if (before == 0)
            BeginCommands();
    }

    // Begins anew when the client begins to listen, which is when its connection begins for a session that it had.
    private void BeginCommands()
    {
        if (_commandFilters.Count == 0)
            return;
        _subscription++;
        _lastCommand = 0;
        if (_delivering.IsCompleted && !_closing.IsCancellationRequested)
        {
            _device.Add(this);
            _delivering = Task.Run(DeliverAsync);
        }

        WakeCommands();
    }

    private async Task DeliverAsync()
    {
        try
        {
            while (await _wakes.Reader.WaitToReadAsync(_closing.Token).ConfigureAwait(false))
            {
                _wakes.Reader.TryRead(out _);
                try
                {
                    await ConfirmAsync().ConfigureAwait(false);
                    await SendOpenAsync().ConfigureAwait(false);
                }
                catch (TelemetryStoreException)
                {
                    // The store logs for itself; what is open stays so.
                    await Task.Delay(RetryDelay, _time, _closing.Token).ConfigureAwait(false);
                    WakeCommands();
                }
            }
        }
        catch (Exception e)
        {
            if (_closing.IsCancellationRequested)
                return;
            if (e is not (OperationCanceledException or IOException or InvalidOperationException))
                _metrics.Refused(MqttMetrics.InternalError);
            _output.Disconnect();
        }
        finally
        {
            _device.Remove(this);
            await ConfirmLastAsync().ConfigureAwait(false);
        }
    }

    // A device that acknowledges and goes need not get it again.
    private async Task ConfirmLastAsync()
    {
        try
        {
            await ConfirmAsync().ConfigureAwait(false);
        }
        catch (TelemetryStoreException)
        {
            // It gets it again.
        }
    }

    private async Task ConfirmAsync()
    {
        long[] ids;
        lock (_confirmed)
            ids = [.. _confirmed];
        if (ids.Length == 0)
            return;
        await _commands!.ConfirmAsync(_client.Session.Tenant, _client.Session.Device, ids, CancellationToken.None).ConfigureAwait(false);
        lock (_confirmed)
            _confirmed.RemoveRange(0, ids.Length);
    }

    private async Task SendOpenAsync()
    {
        var (subscription, last) = await ReadPlaceAsync().ConfigureAwait(false);
        var open = await _commands!.ReadOpenAsync(_client.Session.Tenant, _client.Session.Device, _closing.Token).ConfigureAwait(false);
        foreach (var command in open)
        {
            if (command.State != DeviceCommandState.Waiting || command.Id <= last)
                continue;
            if (!await TrySendAsync(command, subscription).ConfigureAwait(false))
                return;
        }
    }

    private async ValueTask<(int Subscription, long Last)> ReadPlaceAsync()
    {
        await _sending.WaitAsync(_closing.Token).ConfigureAwait(false);
        try
        {
            return (_subscription, _lastCommand);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <returns><see langword="false"/> if there is no room now, or nobody who listens: whoever makes it wakes us.</returns>
    private async ValueTask<bool> TrySendAsync(DeviceCommand command, int subscription)
    {
        await _sending.WaitAsync(_closing.Token).ConfigureAwait(false);
        try
        {
            if (_subscription != subscription || _commandFilters.Count == 0)
                return false;
            if (_commandsInFlight.ContainsValue(command.Id))
                return true;
            if (_commandsInFlight.Count >= MaxCommandsInFlight || InFlight >= _client.ReceiveMaximum)
                return false;
            var id = FindFreeId();
            var packet = CommandPacket.Write(_client.Version, id, command, _time.GetUtcNow().UtcDateTime);
            _lastCommand = command.Id;
            if (packet.Length > _client.MaximumPacketBytes)
            {
                // §3.1.2.11.4: it is not sent. It stays open, for another client of the device.
                _metrics.Refused(MqttMetrics.CommandTooLarge);
                return true;
            }

            _commandsInFlight.Add(id, command.Id);
            await _output.SendAsync(packet, _closing.Token).ConfigureAwait(false);
            return true;
        }
        finally
        {
            _sending.Release();
        }
    }

    // From the other end than MQTTnet's own; what it numbers the same nevertheless waits.
    private ushort FindFreeId()
    {
        var id = ushort.MaxValue;
        while (_inFlight.Contains(id) || _commandsInFlight.ContainsKey(id))
            id--;
        return id;
    }

    /// <returns>Whether the packet is the acknowledgement of a command.</returns>
    private bool CommandAcknowledged(MqttPubAckPacket packet)
    {
        if (!_commandsInFlight.Remove(packet.PacketIdentifier, out var command))
            return false;

        // Refused, it is not delivered; sent again at once it would be refused again.
        if (packet.ReasonCode < MqttPubAckReasonCode.UnspecifiedError)
        {
            lock (_confirmed)
                _confirmed.Add(command);
        }

        WakeCommands();
        return true;
    }
}
