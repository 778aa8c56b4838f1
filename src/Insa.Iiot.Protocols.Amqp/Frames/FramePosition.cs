namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>Where a frame is in a batch.</summary>
internal readonly record struct FramePosition(int Chunk, int Frame);
