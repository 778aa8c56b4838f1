using System.Globalization;
using CsCheck;
using Insa.Iiot.Protocols.Amqp.Frames;

namespace Insa.Iiot.Protocols.Amqp.Tests.Frames;

/// <summary>docs/amqp-frames.md. Set IIOT_FRAMES_FUZZ to the number of mutated messages for a long run.</summary>
public sealed class FrameFormatTests
{
    private const int MessageBytes = 1024;
    private const int MaxFrameBytes = 4096;
    private static readonly int Mutations = int.Parse(
        Environment.GetEnvironmentVariable("IIOT_FRAMES_FUZZ") ?? "300000",
        CultureInfo.InvariantCulture
    );

    [Fact]
    public void The_document_shows_the_bytes_of_this_message()
    {
        using var chunk = FrameSamples.ChunkOf([
            ("press", DateTime.UnixEpoch.AddSeconds(1).Ticks, [("t", TelemetryValue.Of(1.0), TelemetryQuality.Good)]),
            ("press", DateTime.UnixEpoch.AddSeconds(2).Ticks, [("s", TelemetryValue.OfText("on"), TelemetryQuality.Bad)]),
        ]);
        var message = Assert.Single(FrameSamples.Encode(chunk, new FrameEncoder(MessageBytes, MaxFrameBytes)));
        Assert.Equal(
            "49494652-01-00-0200-0100-0200-0000000000000000".Replace("-", "", StringComparison.Ordinal)
                + "0100-01-74-0100-01-73".Replace("-", "", StringComparison.Ordinal)
                + "05-7072657373".Replace("-", "", StringComparison.Ordinal)
                + "40420F0000000000-0000-0000-00-000000000000F03F".Replace("-", "", StringComparison.Ordinal)
                + "80841E0000000000-0000-0100-03-03-02-0200000000000000-6F6E".Replace("-", "", StringComparison.Ordinal),
            Convert.ToHexString([.. message[..12], .. new byte[8], .. message[20..]])
        );
        Assert.True(FrameHeader.TryRead(message, out var header));
        Assert.Equal(new DateTime(FrameSamples.Now, DateTimeKind.Utc), header.ArrivedAt);
    }

    [Fact]
    public void Every_frame_reads_back_as_it_was_written() =>
        FrameSamples
            .AnyFrame.Array[1, 60]
            .Sample(
                frames =>
                {
                    using var chunk = FrameSamples.ChunkOf(frames);
                    using var read = new TelemetryChunk(frames.Length);
                    read.Reset(FrameSamples.Plant);
                    var writer = new TelemetryFrameWriter(new TelemetryLimits());
                    foreach (var message in FrameSamples.Encode(chunk, new FrameEncoder(MessageBytes, MaxFrameBytes)))
                    {
                        Assert.InRange(message.Length, 1, MessageBytes);
                        Assert.Equal(IngestReason.None, FrameSamples.Decode(read, message, writer));
                    }

                    AssertEqual(chunk, read);
                },
                iter: 2000
            );

    [Fact]
    public void Whatever_the_bytes_nothing_is_thrown_and_nothing_is_kept_of_what_is_refused()
    {
        var random = new Random(6);
        var corpus = new List<byte[]>();
        FrameSamples
            .AnyFrame.Array[1, 30]
            .Sample(
                frames =>
                {
                    using var chunk = FrameSamples.ChunkOf(frames);
                    lock (corpus)
                        corpus.AddRange(FrameSamples.Encode(chunk, new FrameEncoder(MessageBytes, MaxFrameBytes)));
                },
                iter: 50
            );
        using var read = new TelemetryChunk(4096);
        var writer = new TelemetryFrameWriter(new TelemetryLimits());
        for (var i = 0; i < Mutations; i++)
        {
            read.Reset(FrameSamples.Plant);
            var message = Mutate(corpus[random.Next(corpus.Count)], random);
            var reason = FrameSamples.Decode(read, message, writer);
            if (reason != IngestReason.None)
                Assert.Equal(0, read.FrameCount);
        }
    }

    [Fact]
    public void Every_message_that_is_cut_short_or_goes_on_is_refused()
    {
        using var chunk = FrameSamples.ChunkOf([
            (
                "press",
                FrameSamples.Now,
                [("a", TelemetryValue.Of(1L), TelemetryQuality.Bad), ("b", TelemetryValue.OfText("text"), TelemetryQuality.Good)]
            ),
            ("pump", FrameSamples.Now, [("a", TelemetryValue.Of(2.0), TelemetryQuality.Good)]),
        ]);
        var message = Assert.Single(FrameSamples.Encode(chunk, new FrameEncoder(MessageBytes, MaxFrameBytes)));
        var writer = new TelemetryFrameWriter(new TelemetryLimits());
        using var read = new TelemetryChunk(16);
        read.Reset(FrameSamples.Plant);
        for (var length = 0; length < message.Length; length++)
            Assert.NotEqual(IngestReason.None, FrameSamples.Decode(read, message.AsSpan(0, length), writer));
        Assert.Equal(IngestReason.Malformed, FrameSamples.Decode(read, [.. message, 0], writer));
        Assert.Equal(IngestReason.None, FrameSamples.Decode(read, message, writer));
    }

    [Fact]
    public void A_device_may_not_speak_the_format()
    {
        using var chunk = FrameSamples.ChunkOf([("press", FrameSamples.Now, [("a", TelemetryValue.Of(1.0), TelemetryQuality.Good)])]);
        var message = Assert.Single(FrameSamples.Encode(chunk, new FrameEncoder(MessageBytes, MaxFrameBytes)));
        var device = new DeviceSession(FrameSamples.Plant, DeviceId.Parse("press"));
        using var read = new TelemetryChunk(16);
        read.Reset(FrameSamples.Plant);
        Assert.Equal(
            IngestReason.UnsupportedFormat,
            FrameSamples.Decode(read, message, new TelemetryFrameWriter(new TelemetryLimits()), device)
        );
    }

    [Fact]
    public void A_frame_that_is_larger_than_a_message_has_one_of_its_own_up_to_a_bound()
    {
        using var chunk = FrameSamples.ChunkOf([Frame(100), Frame(2000), Frame(100), Frame(5000), Frame(100)]);
        var encoder = new FrameEncoder(MessageBytes, MaxFrameBytes);
        Assert.Equal(FrameAddition.Added, encoder.Add(chunk[0]));
        Assert.Equal(FrameAddition.Full, encoder.Add(chunk[1]));
        encoder.Clear();
        Assert.Equal(FrameAddition.Added, encoder.Add(chunk[1]));
        Assert.Equal(FrameAddition.Full, encoder.Add(chunk[2]));
        encoder.Clear();
        Assert.Equal(FrameAddition.TooLarge, encoder.Add(chunk[3]));
        Assert.Equal(0, encoder.FrameCount);
        Assert.Equal(FrameAddition.Added, encoder.Add(chunk[4]));

        static (string, long, (string, TelemetryValue, TelemetryQuality)[]) Frame(int bytes) =>
            ("press", FrameSamples.Now, [("a", TelemetryValue.OfText(new string('x', bytes)), TelemetryQuality.Good)]);
    }

    [Fact]
    public void A_frame_costs_no_allocation_to_write_or_to_read()
    {
        using var chunk = FrameSamples.ChunkOf([
            .. Enumerable
                .Range(0, 1000)
                .Select(i =>
                    ($"press-{i % 50}", FrameSamples.Now + (i * 10), new[] { ("temp", TelemetryValue.Of(i * 0.5), TelemetryQuality.Good) })
                ),
        ]);
        var encoder = new FrameEncoder(64 * 1024, 256 * 1024);
        var writer = new TelemetryFrameWriter(new TelemetryLimits());
        using var read = new TelemetryChunk(1000);
        void WriteAndRead()
        {
            read.Reset(FrameSamples.Plant);
            for (var i = 0; i < chunk.FrameCount; i++)
                encoder.Add(chunk[i]);
            var length = encoder.Take(FrameSamples.Now, out var buffer);
            writer.BeginMessage(read, FrameSamples.Host, FrameSamples.Host.Device, FrameSamples.Now);
            new FrameDecoder().Decode(new TelemetryMessage(FrameDecoder.Frames, buffer.AsSpan(0, length)), writer);
            writer.CommitMessage();
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }

        WriteAndRead();
        var before = GC.GetAllocatedBytesForCurrentThread();
        WriteAndRead();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100);
        Assert.Equal(1000, read.FrameCount);
    }

    private static byte[] Mutate(byte[] message, Random random)
    {
        var mutated = message.ToList();
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var at = random.Next(mutated.Count);
            switch (random.Next(5))
            {
                case 0:
                    mutated[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    mutated[at] = (byte)random.Next(256);
                    break;
                case 2:
                    mutated.RemoveRange(at, Math.Min(random.Next(1, 9), mutated.Count - at));
                    break;
                case 3:
                    mutated.InsertRange(at, new byte[random.Next(1, 9)]);
                    break;
                default:
                    mutated[at] = 0xFF;
                    break;
            }

            if (mutated.Count == 0)
                break;
        }

        return [.. mutated];
    }

    private static void AssertEqual(TelemetryChunk expected, TelemetryChunk actual)
    {
        Assert.Equal(expected.FrameCount, actual.FrameCount);
        for (var i = 0; i < expected.FrameCount; i++)
        {
            Assert.Equal(expected[i].Device, actual[i].Device);
            Assert.Equal(expected[i].TimestampTicks, actual[i].TimestampTicks);
            Assert.Equal(expected[i].Layout.Metrics, actual[i].Layout.Metrics);
            Assert.Equal(expected[i].Qualities.ToArray(), actual[i].Qualities.ToArray());
            for (var v = 0; v < expected[i].Count; v++)
                Assert.Equal(expected[i].GetValue(v), actual[i].GetValue(v));
        }
    }
}
