using System.Buffers.Binary;
using Insa.Iiot.LoadTest.Measuring;

namespace Insa.Iiot.LoadTest.Mqtt;

/// <summary>The packet ids in flight on one connection. A PUBACK counts only for the oldest of them (MQTT 3.1.1 §4.6).</summary>
internal sealed class AckWindow
{
    private const int AckLength = 4;

    private readonly long[] _sentAt = new long[ushort.MaxValue + 1];
    private ushort _nextId = 1;
    private ushort _oldestId = 1;

    public LatencyHistogram Latency { get; } = new();

    public int InFlight { get; private set; }

    public long Acknowledged { get; private set; }

    /// <returns>The id to send with.</returns>
    public ushort Open(long now)
    {
        var id = _nextId;
        _sentAt[id] = now;
        _nextId = Next(id);
        InFlight++;
        return id;
    }

    /// <returns><see langword="false"/> at the first packet that is no PUBACK, or not the oldest id's: unknown, repeated or out of order.</returns>
    public bool TryRead(ReadOnlySpan<byte> received, long now, out int readBytes)
    {
        for (readBytes = 0; received.Length - readBytes >= AckLength; readBytes += AckLength)
        {
            var ack = received.Slice(readBytes, AckLength);
            if (InFlight == 0 || ack[0] != 0x40 || ack[1] != 2 || BinaryPrimitives.ReadUInt16BigEndian(ack[2..]) != _oldestId)
                return false;
            Latency.Record(now - _sentAt[_oldestId]);
            _oldestId = Next(_oldestId);
            InFlight--;
            Acknowledged++;
        }

        return true;
    }

    private static ushort Next(ushort id) => id == ushort.MaxValue ? (ushort)1 : (ushort)(id + 1);
}
