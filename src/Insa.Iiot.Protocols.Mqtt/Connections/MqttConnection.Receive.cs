using System.Buffers;
using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using Insa.Iiot.Protocols.Mqtt.Packets;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

internal sealed partial class MqttConnection
{
    private const int MaxFiltersPerPacket = 64;
    private static readonly byte[] PingResponse = [(byte)MqttPacketType.PingResp << 4, 0];

    // QoS 2 messages received and not yet released: a second PUBLISH of an identifier is the same message (MQTT 5 §4.3.3).
    private readonly Dictionary<ushort, IngestReceipt> _unreleased = [];
    private readonly byte[]?[] _aliases;

    private enum Next
    {
        /// <summary>All whole packets were handled.</summary>
        Read,

        /// <summary>The tenant's lane is full: the packet stays in the buffer.</summary>
        WaitForCapacity,

        /// <summary>Too many replies are due: the packet stays in the buffer.</summary>
        WaitForReplies,

        /// <summary>The packet is the broker's; it is out of the buffer.</summary>
        Forward,

        /// <summary>The same, and the connection ends.</summary>
        ForwardAndEnd,

        /// <summary>A ping is to be answered, beside whatever waits for its commit; it is out of the buffer.</summary>
        Ping,

        /// <summary>A command is answered; the packet is out of the buffer.</summary>
        Answer,

        /// <summary>The connection ends.</summary>
        End,
    }

    private async Task ReceiveAsync()
    {
        while (true)
        {
            var read = await _input.ReadAsync().ConfigureAwait(false);
            if (read.IsCanceled)
            {
                _input.AdvanceTo(read.Buffer.Start);
                return;
            }

            var next = Handle(read.Buffer, out var consumed);
            _input.AdvanceTo(consumed, next == Next.Read ? read.Buffer.End : consumed);
            switch (next)
            {
                case Next.Read when read.IsCompleted:
                case Next.End:
                    return;
                case Next.WaitForCapacity when !await TryWaitForCapacityAsync().ConfigureAwait(false):
                    return;
                case Next.WaitForReplies:
                    await HoldBackAsync(_replies.Writer.WaitToWriteAsync(_ending.Token)).ConfigureAwait(false);
                    break;
                case Next.Forward when !await TryForwardAsync().ConfigureAwait(false):
                    return;
                case Next.ForwardAndEnd:
                    await TryForwardAsync().ConfigureAwait(false);
                    return;
                case Next.Answer when !await TryAnswerAsync().ConfigureAwait(false):
                    return;
                case Next.Ping:
                    await SendAsync(PingResponse, _ending.Token).ConfigureAwait(false);
                    break;
            }
        }
    }

    // While we hold a client back, its silence is our doing.
    private async ValueTask HoldBackAsync(ValueTask<bool> room)
    {
        Volatile.Write(ref _isHeldBack, true);
        try
        {
            await room.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The next read sees why.
        }

        Volatile.Write(ref _lastPacket, _time.GetTimestamp());
        Volatile.Write(ref _isHeldBack, false);
    }

    private async ValueTask<bool> TryWaitForCapacityAsync()
    {
        Volatile.Write(ref _isHeldBack, true);
        try
        {
            await _ingress.WaitForCapacityAsync(_session, _ending.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            if (_endReason == MqttReason.Success)
                _endReason = MqttReason.ServerShuttingDown;
            return false;
        }
        finally
        {
            Volatile.Write(ref _lastPacket, _time.GetTimestamp());
            Volatile.Write(ref _isHeldBack, false);
        }
    }

    private Next Handle(ReadOnlySequence<byte> buffer, out SequencePosition consumed)
    {
        consumed = buffer.Start;
        while (true)
        {
            var result = MqttFrame.TryRead(buffer, _options.MaxPacketBytes, out var frame);
            if (result == FrameResult.Incomplete)
                return Next.Read;
            if (result != FrameResult.Complete)
                return Fail(result == FrameResult.TooLarge ? MqttReason.PacketTooLarge : MqttReason.MalformedPacket);

            var body = buffer.Slice(frame.HeaderLength, frame.BodyLength);
            var next = body.IsSingleSegment ? Handle(frame, body.FirstSpan) : HandleCopied(frame, body);
            if (next is Next.WaitForCapacity or Next.WaitForReplies or Next.End)
                return next;
            Volatile.Write(ref _lastPacket, _time.GetTimestamp());
            buffer = buffer.Slice(frame.Length);
            consumed = buffer.Start;
            if (next != Next.Read)
                return next;
        }
    }

    private Next HandleCopied(MqttFrame frame, in ReadOnlySequence<byte> body)
    {
        var copy = ArrayPool<byte>.Shared.Rent(frame.BodyLength);
        body.CopyTo(copy);
        var next = Handle(frame, copy.AsSpan(0, frame.BodyLength));
        ArrayPool<byte>.Shared.Return(copy);
        return next;
    }

    private Next Handle(MqttFrame frame, ReadOnlySpan<byte> body)
    {
        switch (frame.Type)
        {
            case MqttPacketType.Publish:
                return HandlePublish(frame.Flags, body);
            case MqttPacketType.PubRel when frame.Flags == 2:
                return HandleRelease(body);
            case MqttPacketType.PingReq when frame is { Flags: 0, BodyLength: 0 }:
                return Next.Ping;
            case MqttPacketType.Subscribe or MqttPacketType.Unsubscribe when frame.Flags == 2:
                return HandleSubscription(frame, body);
            case MqttPacketType.PubAck or MqttPacketType.PubRec or MqttPacketType.PubComp when frame.Flags == 0:
                return HandleBrokerAck(frame, body);
            case MqttPacketType.Disconnect when frame.Flags == 0:
                return HandleDisconnect(body);
            default:
                return Fail(MqttReason.ProtocolError);
        }
    }

    private Next HandlePublish(int flags, ReadOnlySpan<byte> body)
    {
        var reason = PublishPacket.TryRead(flags, body, _version, out var packet);
        if (reason != MqttReason.Success)
            return Fail(reason);
        var topic = packet.Topic;
        if (packet.TopicAlias >= 0 && !TryResolveAlias(packet.TopicAlias, ref topic))
            return Fail(MqttReason.TopicAliasInvalid);
        if (packet.QoS == 2 && TryFindUnreleased(packet.Id, out var unreleased))
            return Send(new Reply(MqttPacketType.PubRec, packet.Id, Receipt: unreleased));
        if (packet.QoS > 0 && _version == 5 && Volatile.Read(ref _inFlight) >= _options.ReceiveMaximum)
            return Fail(MqttReason.ReceiveMaximumExceeded);
        if (packet.QoS == 2 && _unreleased.Count >= _options.ReceiveMaximum)
            return Fail(MqttReason.ReceiveMaximumExceeded);
        if (_replies.Reader.Count >= _replyCapacity)
            return Next.WaitForReplies;

        if (!TelemetryTopic.TryRead(topic, out var device, out var metric))
            return TryReadAnswer(packet, topic, out var next) ? next : HandleMessage(flags, packet, topic, body);
        var format = metric.IsEmpty ? PayloadFormat.Json : PayloadFormat.Scalar;
        if (!packet.ContentType.IsEmpty && (format = _ingress.FindFormat(packet.ContentType)) is null)
            return Refuse(packet, MqttReason.PayloadFormatInvalid);

        var receipt = _ingress.Submit(_session, new TelemetryMessage(format, packet.Payload) { Device = device, Metric = metric });
        if (receipt.Status == IngestStatus.Busy)
            return Next.WaitForCapacity;
        if (packet.QoS == 0)
            return Next.Read;
        if (packet.QoS == 2 && receipt.Status == IngestStatus.Accepted)
        {
            lock (_unreleased)
                _unreleased[packet.Id] = receipt;
        }

        Interlocked.Increment(ref _inFlight);
        var type = packet.QoS == 1 ? MqttPacketType.PubAck : MqttPacketType.PubRec;
        return Send(new Reply(type, packet.Id, Receipt: receipt, IsCounted: true));
    }

    private Next HandleRelease(ReadOnlySpan<byte> body)
    {
        var reader = new MqttReader(body);
        if (!reader.TryReadUInt16(out var id))
            return Fail(MqttReason.MalformedPacket);
        bool known;
        lock (_unreleased)
            known = _unreleased.Remove(id);
        if (!known && _attachment is not null)
            return Forward(((byte)MqttPacketType.PubRel << 4) | 2, body);
        return Send(
            new Reply(MqttPacketType.PubComp, id, known || _version < 5 ? MqttReason.Success : MqttReason.PacketIdentifierNotFound)
        );
    }

    private bool TryResolveAlias(int alias, ref ReadOnlySpan<byte> topic)
    {
        if (alias == 0 || alias >= _aliases.Length)
            return false;
        if (topic.IsEmpty)
        {
            topic = _aliases[alias];
            return !topic.IsEmpty;
        }

        if (!topic.SequenceEqual(_aliases[alias]))
            _aliases[alias] = topic.ToArray();
        return true;
    }

    private bool TryFindUnreleased(ushort id, out IngestReceipt receipt)
    {
        lock (_unreleased)
            return _unreleased.TryGetValue(id, out receipt);
    }

    // MQTT 3.1.1 cannot refuse a message: acknowledged it would be lost, so the connection ends instead.
    private Next Refuse(in PublishPacket packet, MqttReason reason)
    {
        _metrics.Refused(MqttMetrics.NameOf(reason));
        if (_version < 5)
            return Next.End;
        if (packet.QoS == 0)
            return Next.Read;
        return Send(new Reply(packet.QoS == 1 ? MqttPacketType.PubAck : MqttPacketType.PubRec, packet.Id, reason));
    }

    private Next Send(in Reply reply)
    {
        if (_replies.Writer.TryWrite(reply))
            return Next.Read;

        // The packet stays in the buffer and is handled anew when there is room. PUBLISH has made sure of it before it was submitted.
        return Next.WaitForReplies;
    }

    private Next Fail(MqttReason reason)
    {
        _metrics.Refused(MqttMetrics.NameOf(reason));
        _endReason = reason;
        return Next.End;
    }
}
