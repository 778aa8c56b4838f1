namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>What is at the start of a stream.</summary>
internal enum StreamFrameResult
{
    Complete,

    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>A message that is longer than may be.</summary>
    TooLarge,

    /// <summary>No message at all: a token's length that is reserved, or of more bytes than may be.</summary>
    Malformed,
}
