using System.Buffers.Binary;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Transport;

namespace Insa.Iiot.Protocols.OpcUa.SecureChannel;

/// <summary>Takes a response as it is encoded, and makes chunks of it in the buffer they leave from. For whoever has the output.</summary>
internal sealed class MessageWriter(ConnectionOutput output, ServerChannel channel, int chunkBytes, long maxMessageBytes, int maxChunks)
    : IMessageOutput
{
    // How much is asked of the buffer at once: a small answer takes a small one.
    private const int StepBytes = 512;

    private readonly int _bodyBytes = channel.MaxBodyBytes(chunkBytes);
    private uint _requestId;
    private int _messageStart;
    private int _chunkLength;
    private int _chunks;
    private long _messageBytes;
    private uint _firstSequence;
    private bool _hasLeft;
    private long _limit;

    public void Begin(uint requestId)
    {
        (_requestId, _messageStart, _firstSequence) = (requestId, output.Length, channel.LastSent);
        (_chunkLength, _chunks, _messageBytes, _hasLeft) = (0, 0, 0, false);
        _limit = channel.Security.MaxResponseBytes is var asked and > 0 ? Math.Min(maxMessageBytes, asked) : maxMessageBytes;
    }

    public Span<byte> GetSpan(int minimum)
    {
        if (_bodyBytes - _chunkLength < minimum && !TryNextChunk())
            return default;
        var room = _bodyBytes - _chunkLength;
        if (_messageBytes + _chunkLength + minimum > _limit)
            return default;
        room = (int)Math.Min(room, _limit - _messageBytes - _chunkLength);
        var used = ChunkHeader.MessageLength + _chunkLength;
        var free = output.Buffer.Length - output.Length - used - channel.MaxTrailerBytes;
        if (free < minimum)
        {
            if (!output.TryReserve(used + Math.Min(StepBytes, room) + channel.MaxTrailerBytes))
                return default;
            free = output.Buffer.Length - output.Length - used - channel.MaxTrailerBytes;
        }

        return output.Buffer.AsSpan(output.Length + used, Math.Min(room, free));
    }

    public void Advance(int count) => _chunkLength += count;

    /// <summary>Completes the message.</summary>
    public void End()
    {
        // A message has a type at least, so its last chunk is never empty and its buffer never missing.
        Seal(ChunkKind.Final);
    }

    /// <summary>Takes the message back, or tells the client that it does not go on.</summary>
    /// <returns>Whether it was taken back.</returns>
    public bool Cancel(StatusCode reason)
    {
        if (!_hasLeft)
        {
            output.Rewind(_messageStart);
            channel.RewindSequenceNumbers(_firstSequence);
            return true;
        }

        // Part 6 §6.7.3: the reason, and no words.
        const int BodyBytes = 8;
        if (!output.TryReserve(ChunkHeader.MessageLength + BodyBytes + channel.MaxTrailerBytes))
            return false;
        var body = output.Buffer.AsSpan(output.Length + ChunkHeader.MessageLength);
        BinaryPrimitives.WriteUInt32LittleEndian(body, reason.Value);
        BinaryPrimitives.WriteInt32LittleEndian(body[4..], -1);
        _chunkLength = BodyBytes;
        Seal(ChunkKind.Abort);
        return false;
    }

    private bool TryNextChunk()
    {
        if (_chunks + 1 >= maxChunks)
            return false;
        Seal(ChunkKind.Intermediate);
        if (output.FlushEarly())
            _hasLeft = true;
        return true;
    }

    private void Seal(ChunkKind kind)
    {
        output.Advance(channel.Seal(output.Buffer, output.Length, _chunkLength, kind, _requestId));
        _messageBytes += _chunkLength;
        _chunks++;
        _chunkLength = 0;
    }
}
