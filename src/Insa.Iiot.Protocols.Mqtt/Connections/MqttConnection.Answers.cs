using System.Text;
using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using Insa.Iiot.Protocols.Mqtt.Messaging;
using Insa.Iiot.Protocols.Mqtt.Packets;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

internal sealed partial class MqttConnection
{
    private PendingAnswer? _answer;

    /// <returns><see langword="false"/> if it answers no command.</returns>
    private bool TryReadAnswer(in PublishPacket packet, ReadOnlySpan<byte> topic, out Next next)
    {
        next = Next.Answer;
        if (_commands is null || !CommandTopics.TryReadAnswer(topic, out var id, out var isFailed))
            return false;
        if (packet.Payload.Length > DeviceCommandAnswer.MaxDataBytes)
        {
            next = Refuse(packet, MqttReason.QuotaExceeded);
            return true;
        }

        var answer = new DeviceCommandAnswer
        {
            IsSuccess = !isFailed && !packet.IsFailed,
            ContentType = packet.ContentType.IsEmpty ? null : Encoding.UTF8.GetString(packet.ContentType),
            Data = packet.Payload.ToArray(),
        };
        _answer = new PendingAnswer(id, answer, packet.QoS, packet.Id);
        return true;
    }

    // Nothing more is read meanwhile, so that answers are in order, and no more of them in flight than one.
    private async ValueTask<bool> TryAnswerAsync()
    {
        var (id, answer, qos, packetId) = _answer!.Value;
        _answer = null;
        Volatile.Write(ref _isHeldBack, true);
        try
        {
            var command = await _commands!.AnswerAsync(_session.Tenant, _session.Device, id, answer, _ending.Token).ConfigureAwait(false);
            Settle(qos, packetId, command);
            return true;
        }
        catch (ArgumentException)
        {
            // Its content type is none.
            _metrics.Refused(MqttMetrics.NameOf(MqttReason.PayloadFormatInvalid));
            Reply(qos, packetId, MqttReason.PayloadFormatInvalid);
            return true;
        }
        catch (TelemetryStoreException)
        {
            // Not acknowledged, it comes again.
            _metrics.Refused(MqttMetrics.NameOf(MqttReason.ServerUnavailable));
            return false;
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            Volatile.Write(ref _lastPacket, _time.GetTimestamp());
            Volatile.Write(ref _isHeldBack, false);
        }
    }

    private void Settle(int qos, ushort packetId, DeviceCommand? command)
    {
        switch (command?.State)
        {
            case null:
                _metrics.Refused(MqttMetrics.CommandUnknown);
                Reply(qos, packetId, MqttReason.TopicNameInvalid);
                break;
            case DeviceCommandState.Expired or DeviceCommandState.Cancelled:
                _metrics.Refused(MqttMetrics.CommandOver);
                Reply(qos, packetId, MqttReason.ImplementationSpecific);
                break;
            default:
                Reply(qos, packetId, MqttReason.Success);
                break;
        }
    }

    // A 3.1.1 client is acknowledged whatever the answer was worth: sent again, it would be worth no more. There is room for the reply: PUBLISH has made sure.
    private void Reply(int qos, ushort packetId, MqttReason reason)
    {
        if (qos == 0)
            return;
        if (qos == 2 && (_version < 5 || reason == MqttReason.Success))
        {
            lock (_unreleased)
                _unreleased[packetId] = default;
        }

        Send(new Reply(qos == 1 ? MqttPacketType.PubAck : MqttPacketType.PubRec, packetId, reason));
    }

    private readonly record struct PendingAnswer(long Id, DeviceCommandAnswer Answer, int QoS, ushort PacketId);
}
