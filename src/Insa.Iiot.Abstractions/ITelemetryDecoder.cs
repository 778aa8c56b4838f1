namespace Insa.Iiot;

/// <summary>Reads one payload format. Must never throw, whatever the bytes. Stateless: called by several threads at once.</summary>
public interface ITelemetryDecoder
{
    /// <summary>The format it reads.</summary>
    PayloadFormat Format { get; }

    /// <summary>Reads a message in place and writes its frames.</summary>
    /// <returns>The first refusal, or <see cref="IngestReason.None"/>; then all frames are complete.</returns>
    IngestReason Decode(in TelemetryMessage message, TelemetryFrameWriter writer);
}
