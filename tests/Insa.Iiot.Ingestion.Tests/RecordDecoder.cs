using System.Buffers.Binary;

namespace Insa.Iiot.Ingestion.Tests;

/// <summary>Reads "first, count" as that many frames with a number each. A negative count is malformed, a first below zero throws.</summary>
internal sealed class RecordDecoder : ITelemetryDecoder
{
    public static readonly PayloadFormat Records = new("application/x-records");

    public PayloadFormat Format => Records;

    public IngestReason Decode(in TelemetryMessage message, TelemetryFrameWriter writer)
    {
        var first = BinaryPrimitives.ReadInt32LittleEndian(message.Payload);
        var count = BinaryPrimitives.ReadInt32LittleEndian(message.Payload[4..]);
        if (count < 0)
            return IngestReason.Malformed;
        for (var i = 0; i < count; i++)
        {
            writer.AddDouble("n"u8, first + i);
            var reason = writer.EndFrame();
            if (reason != IngestReason.None)
                return reason;
        }

        return first < 0 ? throw new InvalidOperationException("A decoder with a bug.") : IngestReason.None;
    }
}
