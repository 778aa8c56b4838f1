using System.Text;
using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using Insa.Iiot.Protocols.Mqtt.Messaging;
using Insa.Iiot.Protocols.Mqtt.Packets;
using MQTTnet.Packets;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

internal sealed partial class MqttConnection : IBrokerOutput
{
    // The broker may speak as soon as a client is attached; the client hears it only after its CONNACK.
    private readonly TaskCompletionSource _isOpen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private BrokerChannel? _attachment;
    private MqttPacket? _forward;

    async ValueTask IBrokerOutput.SendAsync(ReadOnlyMemory<byte> packet, CancellationToken cancellationToken)
    {
        if (!_isOpen.Task.IsCompletedSuccessfully)
            await _isOpen.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        await SendAsync(packet, cancellationToken).ConfigureAwait(false);
    }

    void IBrokerOutput.Disconnect() => End(MqttReason.Success);

    private async ValueTask SendAsync(ReadOnlyMemory<byte> packet, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _output.WriteAsync(packet, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    private void Attach() => _attachment ??= _broker.Attach(_client, this);

    private Task DetachAsync() => _attachment?.CloseAsync() ?? Task.CompletedTask;

    private Next HandleMessage(int flags, in PublishPacket packet, ReadOnlySpan<byte> topicUtf8, ReadOnlySpan<byte> body)
    {
        var topic = Encoding.UTF8.GetString(topicUtf8);
        if (!TopicSpace.MayPublish(topic))
            return Refuse(packet, MqttReason.TopicNameInvalid);
        if (packet.Retain && !_broker.MayRetain(_session, topic, packet.Payload.IsEmpty))
            return Refuse(packet, MqttReason.QuotaExceeded);
        return Forward((byte)(((byte)MqttPacketType.Publish << 4) | flags), body, topic);
    }

    private Next Forward(byte first, ReadOnlySpan<byte> body, string? topic = null)
    {
        Attach();
        _forward = _attachment!.TryDecode(first, body, topic);
        return _forward is null ? Fail(MqttReason.MalformedPacket) : Next.Forward;
    }

    private async ValueTask<bool> TryForwardAsync()
    {
        try
        {
            await _attachment!.ForwardAsync(_forward!, _ending.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            return false;
        }
    }

    // §3.14: an orderly end takes the will back, unless it asks for it.
    private Next HandleDisconnect(ReadOnlySpan<byte> body)
    {
        const byte WithWill = 0x04;
        if (_attachment is null || (_version == 5 && !body.IsEmpty && body[0] == WithWill))
            return Next.End;
        _forward = new MqttDisconnectPacket();
        return Next.ForwardAndEnd;
    }

    private Next HandleBrokerAck(MqttFrame frame, ReadOnlySpan<byte> body) =>
        _attachment is null ? Fail(MqttReason.ProtocolError) : Forward(frame.First, body);

    private Next HandleSubscription(MqttFrame frame, ReadOnlySpan<byte> body)
    {
        var reader = new MqttReader(body);
        if (
            !reader.TryReadUInt16(out var id)
            || id == 0
            || (_version == 5 && !(reader.TryReadProperties(out var block) && MqttProperties.TryRead(block, out _)))
        )
            return Fail(MqttReason.MalformedPacket);
        var filters = 0;
        for (; !reader.Rest.IsEmpty; filters++)
        {
            if (!reader.TryReadText(out var filter) || filter.IsEmpty)
                return Fail(MqttReason.MalformedPacket);
            if (
                frame.Type == MqttPacketType.Subscribe
                && (!reader.TryReadByte(out var options) || (options & 3) == 3 || (options & 0xC0) != 0)
            )
                return Fail(MqttReason.MalformedPacket);
        }

        return filters is 0 or > MaxFiltersPerPacket ? Fail(MqttReason.ProtocolError) : Forward(frame.First, body);
    }
}
