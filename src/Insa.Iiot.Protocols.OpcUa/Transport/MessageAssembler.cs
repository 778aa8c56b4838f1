using System.Buffers;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>Puts a request together that comes in more than one chunk. Of a connection there is one at a time.</summary>
/// <param name="budget">What all connections share.</param>
internal sealed class MessageAssembler(MemoryBudget budget)
{
    private const int FirstBytes = 64 * 1024;

    // Rented while a message is not complete.
    private byte[] _buffer = [];
    private int _length;
    private uint _requestId;
    private int _chunks;

    /// <summary>Whether a message has begun and not ended.</summary>
    public bool IsPartial => _chunks > 0;

    public ReadOnlySpan<byte> Message => _buffer.AsSpan(0, _length);

    /// <summary>Adds a chunk's body.</summary>
    /// <returns>Good, or why the connection has to end.</returns>
    public StatusCode Add(uint requestId, ReadOnlySpan<byte> body, int maxBytes, int maxChunks)
    {
        if (IsPartial && requestId != _requestId)
            return StatusCodes.BadTcpMessageTypeInvalid;
        if (body.Length > maxBytes - _length || _chunks >= maxChunks)
            return StatusCodes.BadTcpMessageTooLarge;
        if (_buffer.Length - _length < body.Length && !TryGrow(body.Length, maxBytes))
            return StatusCodes.BadTcpNotEnoughResources;
        body.CopyTo(_buffer.AsSpan(_length));
        (_length, _requestId, _chunks) = (_length + body.Length, requestId, _chunks + 1);
        return default;
    }

    /// <summary>Whether a chunk is of the message that has begun, or none has.</summary>
    public bool Fits(uint requestId) => !IsPartial || requestId == _requestId;

    /// <summary>Forgets the message, and lets go of its memory.</summary>
    public void Clear()
    {
        (_length, _chunks) = (0, 0);
        if (_buffer.Length == 0)
            return;
        budget.Return(_buffer.Length);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private bool TryGrow(int bytes, int maxBytes)
    {
        var wanted = Math.Min(Math.Max(FirstBytes, Math.Max(_buffer.Length * 2L, _length + bytes)), Math.Max(maxBytes, FirstBytes));
        var grown = ArrayPool<byte>.Shared.Rent((int)wanted);
        if (!budget.TryTake(grown.Length - _buffer.Length))
        {
            ArrayPool<byte>.Shared.Return(grown);
            return false;
        }

        Message.CopyTo(grown);
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = grown;
        return true;
    }
}
