namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>A message on its way, and which frames of a batch it holds.</summary>
/// <param name="Body">The message; the shared pool's again once it is confirmed.</param>
/// <param name="Confirmed">Completes when the broker's majority has it.</param>
/// <param name="Partition">Its partition.</param>
/// <param name="First">The first of its frames.</param>
/// <param name="Last">The last of its frames. Between them lie frames of other partitions.</param>
/// <param name="Answer">For one whose sender waits for the store: what the writer says.</param>
/// <param name="CorrelationId">What the answer is known by.</param>
internal sealed record PublishedFrames(
    byte[] Body,
    Task Confirmed,
    int Partition,
    FramePosition First,
    FramePosition Last,
    Task<IngestReason>? Answer,
    string? CorrelationId
);
