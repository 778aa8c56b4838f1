using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>Says which messages may come when, and how large: all else closes the connection before any of it is looked at.</summary>
internal static class StateGuard
{
    // A URL of 4096 bytes, and the numbers.
    private const uint MaxHelloBytes = ChunkHeader.Length + 24 + 4096;

    // The client's certificate with its issuers, twice encrypted blocks of 512 bytes, and names.
    private const uint MaxOpenBytes = 40 * 1024;

    /// <summary>The largest chunk that is taken or sent, whatever the peer proposes.</summary>
    public const int MaxChunkBytes = 64 * 1024;

    private static readonly Rule[] Rules =
    [
        new(ConnectionState.Connected, MessageType.Hello, OnlyFinal: true, ChunkHeader.Length + 24, MaxHelloBytes),
        new(ConnectionState.Acknowledged, MessageType.Open, OnlyFinal: true, ChunkHeader.Length + 16, MaxOpenBytes),
        new(ConnectionState.Open, MessageType.Open, OnlyFinal: true, ChunkHeader.Length + 16, MaxOpenBytes),
        new(ConnectionState.Open, MessageType.Message, OnlyFinal: false, ChunkHeader.MessageLength, MaxChunkBytes),
        new(ConnectionState.Open, MessageType.Close, OnlyFinal: true, ChunkHeader.MessageLength, MaxChunkBytes),
    ];

    /// <returns>Good, or why the connection has to end.</returns>
    public static StatusCode Check(ConnectionState state, ChunkHeader header)
    {
        foreach (var rule in Rules)
        {
            if (rule.State != state || rule.Type != header.Type)
                continue;
            var isKind = header.Kind == ChunkKind.Final || !rule.OnlyFinal && header.Kind is ChunkKind.Intermediate or ChunkKind.Abort;
            if (!isKind || header.Size < rule.Least)
                return StatusCodes.BadTcpMessageTypeInvalid;
            return header.Size <= rule.Most ? default : StatusCodes.BadTcpMessageTooLarge;
        }

        return StatusCodes.BadTcpMessageTypeInvalid;
    }

    private readonly record struct Rule(ConnectionState State, MessageType Type, bool OnlyFinal, uint Least, uint Most);
}
