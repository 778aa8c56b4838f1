using System.Buffers.Binary;
using System.Text.Json;
using Insa.Iiot.LoadTest.Mqtt;

namespace Insa.Iiot.LoadTest.Tests;

public sealed class PublishFrameTests
{
    [Theory]
    [InlineData(70)]
    [InlineData(100)]
    [InlineData(4096)]
    public void A_frame_is_a_QoS_1_publish_of_exactly_that_payload(int payloadBytes)
    {
        var frame = new PublishFrame(payloadBytes);
        var wire = new byte[frame.Length];
        frame.Write(wire, 0xABCD, 1_700_000_000_123);

        Assert.Equal(0x32, wire[0]);
        var at = 1;
        var remaining = 0;
        for (var shift = 0; ; shift += 7)
        {
            remaining |= (wire[at] & 0x7F) << shift;
            if (wire[at++] < 0x80)
                break;
        }

        Assert.Equal(wire.Length - at, remaining);
        at += 2 + BinaryPrimitives.ReadUInt16BigEndian(wire.AsSpan(at));
        Assert.Equal(0xABCD, BinaryPrimitives.ReadUInt16BigEndian(wire.AsSpan(at)));
        var payload = wire.AsMemory(at + 2);
        Assert.Equal(payloadBytes, payload.Length);
        using var json = JsonDocument.Parse(payload);
        Assert.Equal(1_700_000_000_123, json.RootElement.GetProperty("timestamp").GetInt64());
    }
}
