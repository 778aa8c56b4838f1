namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>What became of a frame that was to go into a message.</summary>
internal enum FrameAddition
{
    /// <summary>It is in.</summary>
    Added,

    /// <summary>The message is full: take it, and add the frame to the next.</summary>
    Full,

    /// <summary>The frame alone is larger than a message may be.</summary>
    TooLarge,
}
