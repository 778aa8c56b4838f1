using System.Buffers;
using CsCheck;
using Insa.Iiot.Protocols.Mqtt.Packets;

namespace Insa.Iiot.Protocols.Mqtt.Tests;

public sealed class PacketTests
{
    // Remaining lengths at the edges of their encodings (MQTT 5 §1.5.5, table 1-1).
    [Theory]
    [InlineData(0, "C000")]
    [InlineData(127, "C07F")]
    [InlineData(128, "C08001")]
    [InlineData(16_383, "C0FF7F")]
    [InlineData(16_384, "C0808001")]
    [InlineData(2_097_151, "C0FFFF7F")]
    [InlineData(2_097_152, "C080808001")]
    [InlineData(268_435_455, "C0FFFFFF7F")]
    public void A_remaining_length_is_read_at_the_edges_of_its_encoding(int length, string head)
    {
        MqttFrame.TryRead(new ReadOnlySequence<byte>(Convert.FromHexString(head)), int.MaxValue, out var frame);
        Assert.Equal((length, head.Length / 2), (frame.BodyLength, frame.HeaderLength));
    }

    [Theory]
    [InlineData("", nameof(FrameResult.Incomplete))]
    [InlineData("C0", nameof(FrameResult.Incomplete))]
    [InlineData("30FFFFFF", nameof(FrameResult.Incomplete))]
    [InlineData("30FFFFFF80", nameof(FrameResult.Malformed))]
    [InlineData("30FFFFFF7F", nameof(FrameResult.TooLarge))]
    [InlineData("300200", nameof(FrameResult.Incomplete))]
    [InlineData("30020000", nameof(FrameResult.Complete))]
    [InlineData("3002000033", nameof(FrameResult.Complete))]
    public void A_packet_is_found_or_refused_from_its_header(string bytes, string expected) =>
        Assert.Equal(
            Enum.Parse<FrameResult>(expected),
            MqttFrame.TryRead(new ReadOnlySequence<byte>(Convert.FromHexString(bytes)), 1024, out _)
        );

    [Theory]
    [InlineData("telemetry", "", "")]
    [InlineData("telemetry/press", "press", "")]
    [InlineData("telemetry/press/temp", "press", "temp")]
    [InlineData("telemetry/press/a/b", "press", "a/b")]
    public void A_telemetry_topic_names_device_and_metric(string topic, string device, string metric)
    {
        Assert.True(TelemetryTopic.TryRead(System.Text.Encoding.UTF8.GetBytes(topic), out var d, out var m));
        Assert.Equal((device, metric), (System.Text.Encoding.UTF8.GetString(d), System.Text.Encoding.UTF8.GetString(m)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("telemetri")]
    [InlineData("telemetryx")]
    [InlineData("telemetry/")]
    [InlineData("telemetry//x")]
    [InlineData("telemetry/press/")]
    [InlineData("/telemetry")]
    [InlineData("$SYS/x")]
    public void Any_other_topic_is_none(string topic) =>
        Assert.False(TelemetryTopic.TryRead(System.Text.Encoding.UTF8.GetBytes(topic), out _, out _));

    [Theory]
    [InlineData(6)] // QoS 3
    [InlineData(8)] // DUP without QoS
    public void Impossible_flags_of_a_publish_are_refused(int flags) =>
        Assert.Equal(MqttReason.MalformedPacket, PublishPacket.TryRead(flags, RawClient.Publish(4, "t", "x", 1).AsSpan(2), 4, out _));

    [Fact]
    public void A_publish_split_anywhere_is_found_once_it_is_whole()
    {
        var packet = RawClient.Publish(5, "telemetry/pump/temp", new string('1', 200), 1, 7);
        Gen.Int[0, packet.Length]
            .Sample(split =>
            {
                var first = new Segment(packet.AsMemory(0, split));
                var last = first.Append(packet.AsMemory(split));
                var whole = new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
                return MqttFrame.TryRead(whole, 1024, out var frame) == FrameResult.Complete
                    && frame.Length == packet.Length
                    && (split == packet.Length || MqttFrame.TryRead(whole.Slice(0, split), 1024, out _) == FrameResult.Incomplete);
            });
    }

    [Fact]
    public void No_mutation_of_a_packet_makes_reading_it_throw()
    {
        byte[][] seeds =
        [
            RawClient.Connect(5, "press@plant", "secret"),
            RawClient.Connect(4, "press@plant", "secret"),
            RawClient.Publish(5, "telemetry/pump", "{}", 2, 9, [0x03, 0, 1, (byte)'a', 0x23, 0, 1, 0x26, 0, 1, (byte)'k', 0, 1, (byte)'v']),
            RawClient.Publish(4, "telemetry", "{}"),
        ];
        var random = new Random(1);
        var bytes = new byte[256];
        var whole = 0;
        for (var i = 0; i < 1_000_000; i++)
        {
            var seed = seeds[i & 3];
            seed.CopyTo(bytes, 0);
            for (var m = random.Next(1, 6); m > 0; m--)
                bytes[random.Next(seed.Length)] = (byte)random.Next(256);
            var packet = bytes.AsSpan(0, random.Next(2, seed.Length + 1));
            if (MqttFrame.TryRead(new ReadOnlySequence<byte>(bytes, 0, packet.Length), 4096, out var frame) == FrameResult.Complete)
                whole++;
            ConnectPacket.TryRead(packet[2..], out _);
            PublishPacket.TryRead(frame.Flags, packet[2..], (byte)(4 + (i & 1)), out _);
        }

        Assert.True(whole > 1000);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory) => Memory = memory;

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory) { RunningIndex = RunningIndex + Memory.Length };
            Next = next;
            return next;
        }
    }
}
