using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using Insa.Iiot.Protocols.Mqtt.Packets;
using Microsoft.AspNetCore.Connections;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

internal sealed partial class MqttConnection
{
    private const int MaxUnflushedBytes = 16 * 1024;

    private async Task AcknowledgeAsync()
    {
        try
        {
            await SendRepliesAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException or ConnectionAbortedException)
        {
            // The transport is gone; what was not acknowledged comes again.
            _logger.ConnectionLost(_transport.ConnectionId);
            End(MqttReason.Success);
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
            if (_replies.Reader.TryPeek(out var next) && next.Receipt.Commit is { IsCompleted: false } commit)
                await commit.ConfigureAwait(false);

            await _writing.WaitAsync().ConfigureAwait(false);
            try
            {
                // Taken only when it is sent, so that the queue's bound is on what is in flight.
                while (_replies.Reader.TryPeek(out var reply) && reply.Receipt.Commit is null or { IsCompleted: true })
                {
                    _replies.Reader.TryRead(out reply);
                    if (!open)
                        continue;
                    if (!TryWrite(reply))
                    {
                        open = false;
                        End(MqttReason.Success);
                    }
                    else if (_output.UnflushedBytes >= MaxUnflushedBytes)
                    {
                        open = await FlushAsync().ConfigureAwait(false);
                    }
                }

                open = await FlushAsync().ConfigureAwait(false) && open;
            }
            finally
            {
                _writing.Release();
            }
        }

        if (open && _version == 5 && _endReason != MqttReason.Success)
        {
            await _writing.WaitAsync().ConfigureAwait(false);
            MqttPacketWriter.WriteDisconnect(_output, _endReason);
            await FlushAsync().ConfigureAwait(false);
            _writing.Release();
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
        if (reply.IsCounted)
            Interlocked.Decrement(ref _inFlight);
        var reason = reply.Reason;
        if (reason == MqttReason.Success && reply.Type != MqttPacketType.PubComp && !TrySettle(reply, out reason))
            return false;
        MqttPacketWriter.WriteAck(_output, _version, reply.Type, reply.Id, reason);
        return true;
    }

    /// <returns><see langword="false"/> if the message can be neither acknowledged nor refused.</returns>
    private bool TrySettle(in Reply reply, out MqttReason reason)
    {
        var result = reply.Receipt.Commit?.Result;
        var ingestReason = result is null ? reply.Receipt.Reason : reply.Receipt.Settle(result);
        reason = MqttRefusal.ToReason(ingestReason);
        if (reason == MqttReason.Success)
            return true;
        if (ingestReason == IngestReason.Stopping)
            return false;

        _metrics.Refused(MqttMetrics.NameOf(reason));
        if (reply.Type == MqttPacketType.PubRec)
        {
            lock (_unreleased)
                _unreleased.Remove(reply.Id);
        }

        // Kept in the dead letters, a bad message is acknowledged, or its device would send it for ever. Else 3.1.1 can only be cut off.
        return _version == 5 || (result is not null && reply.Receipt.IsDeadLettered(result));
    }
}
