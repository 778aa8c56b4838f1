using System.Buffers.Binary;
using System.Text;
using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using Insa.Iiot.Protocols.Mqtt.Packets;
using Microsoft.AspNetCore.Connections;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

internal sealed partial class MqttConnection
{
    private const int MaxUnflushedBytes = 16 * 1024;

    private async Task SendAsync()
    {
        try
        {
            await SendRepliesAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException or ConnectionAbortedException)
        {
            // The transport is gone; what was not acknowledged comes again.
            _logger.ConnectionLost(_transport.ConnectionId);
            _input.CancelPendingRead();
            while (_replies.Reader.TryRead(out _) || await _replies.Reader.WaitToReadAsync().ConfigureAwait(false))
            {
                // The receiving loop may still be putting replies in.
            }
        }
    }

    // Sends replies in the order of what was received; those that are due together leave in one write.
    private async Task SendRepliesAsync()
    {
        var open = true;
        while (await _replies.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (_replies.Reader.TryPeek(out var reply))
            {
                if (open && reply.Receipt.Commit is { IsCompleted: false } commit)
                {
                    open = await FlushAsync().ConfigureAwait(false);
                    await commit.ConfigureAwait(false);
                }

                // Taken only now, so that the queue's bound is on what is in flight.
                _replies.Reader.TryRead(out reply);
                if (open && !TryWrite(reply))
                {
                    open = false;
                    await FlushAsync().ConfigureAwait(false);
                    _input.CancelPendingRead();
                }

                if (open && _output.UnflushedBytes >= MaxUnflushedBytes)
                    open = await FlushAsync().ConfigureAwait(false);
            }

            open = open && await FlushAsync().ConfigureAwait(false);
        }

        if (open && _version == 5 && _endReason != MqttReason.Success)
        {
            var packet = _output.GetSpan(3);
            ((ReadOnlySpan<byte>)[(byte)MqttPacketType.Disconnect << 4, 1, (byte)_endReason]).CopyTo(packet);
            _output.Advance(3);
            await FlushAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask<bool> FlushAsync()
    {
        if (_output.UnflushedBytes == 0)
            return true;
        var result = await _output.FlushAsync().ConfigureAwait(false);
        return !result.IsCompleted;
    }

    /// <returns><see langword="false"/> if the connection must end, with nothing more sent.</returns>
    private bool TryWrite(in Reply reply)
    {
        switch (reply.Type)
        {
            case MqttPacketType.PubAck or MqttPacketType.PubRec:
                return TryWriteAck(reply);
            case MqttPacketType.PubComp:
                WriteAck(MqttPacketType.PubComp, reply.Id, reply.Reason);
                return true;
            case MqttPacketType.PingResp:
                var ping = _output.GetSpan(2);
                (ping[0], ping[1]) = ((byte)MqttPacketType.PingResp << 4, 0);
                _output.Advance(2);
                return true;
            default:
                WriteCodes(reply);
                return true;
        }
    }

    private bool TryWriteAck(in Reply reply)
    {
        var reason = reply.Reason;
        if (reply.IsCounted)
            Interlocked.Decrement(ref _inFlight);
        if (reason == MqttReason.Success)
        {
            var ingestReason = reply.Receipt.Commit is { } commit ? reply.Receipt.Settle(commit.Result) : reply.Receipt.Reason;
            if (ingestReason == IngestReason.Stopping)
                return false;
            reason = MqttRefusal.ToReason(ingestReason);
            if (reason != MqttReason.Success)
            {
                _metrics.Refused(MqttMetrics.NameOf(reason));
                if (reply.Type == MqttPacketType.PubRec)
                {
                    lock (_unreleased)
                        _unreleased.Remove(reply.Id);
                }

                // Kept in the dead letters, a bad message is acknowledged, or its device would send it for ever. Else 3.1.1 can only be cut off.
                var isKept = reply.Receipt.Commit is { } kept && reply.Receipt.IsDeadLettered(kept.Result);
                if (_version < 5 && !isKept)
                    return false;
            }
        }

        WriteAck(reply.Type, reply.Id, reason);
        return true;
    }

    private void WriteAck(MqttPacketType type, ushort id, MqttReason reason)
    {
        var hasReason = _version == 5 && reason != MqttReason.Success;
        var packet = _output.GetSpan(5);
        packet[0] = (byte)((byte)type << 4);
        packet[1] = (byte)(hasReason ? 3 : 2);
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], id);
        packet[4] = (byte)reason;
        _output.Advance(hasReason ? 5 : 4);
    }

    // SUBACK and UNSUBACK (§3.9, §3.11): identifier, no properties, codes. A 3.1.1 UNSUBACK has no codes.
    private void WriteCodes(in Reply reply)
    {
        var codes = _version < 5 && reply.Type == MqttPacketType.UnsubAck ? [] : reply.Codes!;
        var properties = _version == 5 ? 1 : 0;
        var bodyLength = 2 + properties + codes.Length;
        var packet = _output.GetSpan(5 + bodyLength);
        packet[0] = (byte)((byte)reply.Type << 4);
        var at = 1 + WriteVariable(packet[1..], bodyLength);
        BinaryPrimitives.WriteUInt16BigEndian(packet[at..], reply.Id);
        at += 2;
        if (properties == 1)
            packet[at++] = 0;
        codes.CopyTo(packet[at..]);
        _output.Advance(at + codes.Length);
    }

    private void WriteConnAck(MqttReason reason, string? assignedId)
    {
        var packet = _output.GetSpan(512);
        packet[0] = (byte)MqttPacketType.ConnAck << 4;
        packet[2] = 0; // No session is kept: the client sends again what was not acknowledged.
        if (_version != 5)
        {
            packet[1] = 2;
            packet[3] = MqttRefusal.ToReturnCode(reason);
            _output.Advance(4);
            return;
        }

        packet[3] = (byte)reason;
        var at = 5;
        if (reason == MqttReason.Success)
        {
            at = WriteProperty(packet, at, 0x11, 0, 4); // session expiry interval
            at = WriteProperty(packet, at, 0x21, (uint)_options.ReceiveMaximum, 2);
            at = WriteProperty(packet, at, 0x22, (uint)_options.TopicAliasMaximum, 2);
            at = WriteProperty(packet, at, 0x25, 0, 1); // retain available
            at = WriteProperty(packet, at, 0x27, (uint)_options.MaxPacketBytes, 4);
            at = WriteProperty(packet, at, 0x29, 0, 1); // subscription identifiers available
            at = WriteProperty(packet, at, 0x2A, 0, 1); // shared subscriptions available
            if (assignedId is not null)
            {
                at = WriteProperty(packet, at, 0x12, (uint)assignedId.Length, 2);
                at += Encoding.ASCII.GetBytes(assignedId, packet[at..]);
            }
        }

        packet[4] = (byte)(at - 5);
        packet[1] = (byte)(at - 2);
        _output.Advance(at);
    }

    private static int WriteProperty(Span<byte> packet, int at, byte id, uint value, int bytes)
    {
        packet[at++] = id;
        for (var shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
            packet[at++] = (byte)(value >> shift);
        return at;
    }

    private static int WriteVariable(Span<byte> target, int value)
    {
        var length = 0;
        do
        {
            var more = value > 0x7F;
            target[length++] = (byte)((value & 0x7F) | (more ? 0x80 : 0));
            value >>= 7;
        } while (value > 0);
        return length;
    }
}
