using CsCheck;
using Insa.Iiot.Protocols.Amqp.Frames;

namespace Insa.Iiot.Protocols.Amqp.Tests.Frames;

/// <summary>Frames of all kinds for the format's tests.</summary>
internal static class FrameSamples
{
    public static readonly TenantId Plant = TenantId.Parse("plant");
    public static readonly DeviceSession Host = DeviceSession.ForAdmitted(Plant, DeviceId.Parse("host"));
    public static readonly long Now = new DateTime(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc).Ticks;

    private static readonly Gen<string> Name = Gen.String[
        Gen.OneOf(Gen.Char.AlphaNumeric, Gen.Const('ä'), Gen.Const('€'), Gen.Const('.')),
        1,
        12
    ];
    private static readonly Gen<string> Text = Gen.String[Gen.Char['\u0001', '\uD7FF'], 0, 40];
    private static readonly Gen<TelemetryValue> Value = Gen.OneOf(
        Gen.Double.Where(double.IsFinite).Select(TelemetryValue.Of),
        Gen.Int[0, 3].Select(i => TelemetryValue.Of(((double[])[0.0, -0.0, double.MaxValue, double.Epsilon])[i])),
        Gen.Long.Select(TelemetryValue.Of),
        Gen.Bool.Select(isMin => TelemetryValue.Of(isMin ? long.MinValue : long.MaxValue)),
        Gen.Bool.Select(TelemetryValue.Of),
        Text.Select(TelemetryValue.OfText),
        Gen.Int.Array[0, 5].Select(items => TelemetryValue.OfJson($"[{string.Join(',', items)}]"))
    );
    private static readonly Gen<TelemetryQuality> Quality = Gen.OneOf(
        Gen.Const(TelemetryQuality.Good),
        Gen.Byte[0, 15].Select(quality => (TelemetryQuality)quality)
    );
    private static readonly Gen<long> Microseconds = Gen.OneOf(
        Gen.Long[1, DateTime.MaxValue.Ticks / 10],
        Gen.Int[0, 2].Select(i => ((long[])[1, DateTime.UnixEpoch.Ticks / 10, DateTime.MaxValue.Ticks / 10])[i])
    );

    /// <summary>A device, a time in ticks, and named values.</summary>
    public static readonly Gen<(
        string Device,
        long Ticks,
        (string Name, TelemetryValue Value, TelemetryQuality Quality)[] Values
    )> AnyFrame = Gen.Select(
        Gen.Int[0, 9].Select(i => $"press-{i}"),
        Microseconds.Select(time => time * 10),
        Gen.Select(Name, Value, Quality).Array[1, 6].Select(values => values.DistinctBy(value => value.Item1).ToArray())
    );

    /// <summary>Writes frames to a chunk as ingestion does.</summary>
    public static TelemetryChunk ChunkOf(
        IReadOnlyCollection<(string Device, long Ticks, (string Name, TelemetryValue Value, TelemetryQuality Quality)[] Values)> frames
    )
    {
        var chunk = new TelemetryChunk(frames.Count);
        chunk.Reset(Plant);
        var writer = new TelemetryFrameWriter(new TelemetryLimits());
        writer.BeginMessage(chunk, Host, Host.Device, Now);
        foreach (var (device, ticks, values) in frames)
        {
            Assert.Equal(IngestReason.None, writer.SetDevice(System.Text.Encoding.UTF8.GetBytes(device)));
            Assert.Equal(IngestReason.None, writer.SetTimestamp(ticks));
            foreach (var (name, value, quality) in values)
                Assert.Equal(IngestReason.None, Add(writer, System.Text.Encoding.UTF8.GetBytes(name), value, quality));
            Assert.Equal(IngestReason.None, writer.EndFrame());
        }

        writer.CommitMessage();
        return chunk;
    }

    /// <summary>All messages of a chunk.</summary>
    public static List<byte[]> Encode(TelemetryChunk chunk, FrameEncoder encoder)
    {
        var messages = new List<byte[]>();
        for (var i = 0; i < chunk.FrameCount; i++)
        {
            if (encoder.Add(chunk[i]) != FrameAddition.Full)
                continue;
            messages.Add(Take(encoder));
            i--;
        }

        if (encoder.FrameCount > 0)
            messages.Add(Take(encoder));
        return messages;
    }

    /// <summary>Reads a message as the pipeline does.</summary>
    public static IngestReason Decode(
        TelemetryChunk chunk,
        ReadOnlySpan<byte> message,
        TelemetryFrameWriter writer,
        DeviceSession? session = null
    )
    {
        writer.BeginMessage(chunk, session ?? Host, (session ?? Host).Device, Now);
        var reason = new FrameDecoder().Decode(new TelemetryMessage(FrameDecoder.Frames, message), writer);
        if (reason == IngestReason.None)
            writer.CommitMessage();
        else
            writer.AbortMessage();
        return reason;
    }

    private static byte[] Take(FrameEncoder encoder)
    {
        var length = encoder.Take(Now, out var buffer);
        var message = buffer.AsSpan(0, length).ToArray();
        System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        return message;
    }

    private static IngestReason Add(TelemetryFrameWriter writer, byte[] name, TelemetryValue value, TelemetryQuality quality) =>
        value.Kind switch
        {
            TelemetryValueKind.Double => writer.AddDouble(name, value.AsDouble(), quality),
            TelemetryValueKind.Long => writer.AddLong(name, value.AsLong(), quality),
            TelemetryValueKind.Bool => writer.AddBool(name, value.AsBool(), quality),
            TelemetryValueKind.Text => writer.AddText(name, System.Text.Encoding.UTF8.GetBytes(value.AsText()), quality),
            _ => writer.AddJson(name, System.Text.Encoding.UTF8.GetBytes(value.AsText()), quality),
        };
}
