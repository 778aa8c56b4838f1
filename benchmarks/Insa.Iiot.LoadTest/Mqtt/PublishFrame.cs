using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;

namespace Insa.Iiot.LoadTest.Mqtt;

/// <summary>A QoS 1 PUBLISH of one length (MQTT 3.1.1 §3.3), made once: a message differs by its packet id and its timestamp.</summary>
internal sealed class PublishFrame
{
    private const string MetricName =
        "temperature_of_the_main_bearing_at_the_drive_end_of_the_press_in_hall_7_row_3_as_seen_by_the_second_of_its_sensors";
    private const string Tail = "\":25.125},\"timestamp\":";
    private const int TimestampDigits = 13;

    private readonly byte[] _bytes;
    private readonly int _idAt;
    private readonly int _timestampAt;

    public PublishFrame(int payloadBytes)
    {
        // The metric's name makes up the size, and white space what is beyond it.
        const string Start = "{\"data\":{\"";
        var nameLength = Math.Clamp(payloadBytes - Start.Length - Tail.Length - TimestampDigits - 1, 1, MetricName.Length);
        var head = Start + MetricName[..nameLength] + Tail;
        var payload = (head + new string('0', TimestampDigits) + "}").PadRight(payloadBytes);
        var topic = "telemetry"u8;
        var body = 2 + topic.Length + 2 + payload.Length;
        var frame = new List<byte> { 0x32 };
        for (var left = body; ; left >>= 7)
        {
            frame.Add((byte)((left & 0x7F) | (left > 0x7F ? 0x80 : 0)));
            if (left <= 0x7F)
                break;
        }

        frame.AddRange([0, (byte)topic.Length, .. topic]);
        _idAt = frame.Count;
        frame.AddRange([0, 0]);
        _timestampAt = frame.Count + head.Length;
        frame.AddRange(Encoding.ASCII.GetBytes(payload));
        _bytes = [.. frame];
    }

    public int Length => _bytes.Length;

    public void Write(Span<byte> destination, ushort id, long timestampMilliseconds)
    {
        _bytes.CopyTo(destination);
        BinaryPrimitives.WriteUInt16BigEndian(destination[_idAt..], id);
        Utf8Formatter.TryFormat(timestampMilliseconds, destination[_timestampAt..], out _);
    }
}
