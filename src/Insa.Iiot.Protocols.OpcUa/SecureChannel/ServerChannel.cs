using System.Buffers.Binary;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Transport;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.SecureChannel;

/// <summary>
/// The server's end of a secure channel: its tokens, and what they do to chunks; but for renewals, that of a client is the same. Chunks are opened by the connection's reader alone; they are sealed, and
/// tokens replaced, by whoever has the connection's output.
/// </summary>
internal sealed class ServerChannel(ChannelSecurity security, TimeProvider time) : IDisposable
{
    private SequenceNumbers _received;
    private SequenceNumbers _sent;
    private SecurityToken? _previous;
    private SecurityToken? _current;

    // Given out and not yet used by the client: until it is, we send under the one before (Part 4 §5.6.2).
    private SecurityToken? _next;
    private uint _lastTokenId;

    public ChannelSecurity Security { get; } = security;

    public uint Id => Security.Id;

    /// <summary>Whether no token of it holds any more.</summary>
    public bool IsExpired => (_next ?? _current)?.IsExpired(time) ?? true;

    /// <summary>How many bytes of a chunk a signature takes.</summary>
    public int SignatureBytes => Security.Mode == MessageSecurityMode.None ? 0 : SymmetricKeys.SignatureBytes;

    public bool Encrypts => Security.Mode == MessageSecurityMode.SignAndEncrypt;

    /// <summary>The nonce of the client's last token, which it is not to use again.</summary>
    public byte[] LastClientNonce { get; set; } = [];

    /// <summary>The last sequence number that was given out.</summary>
    public uint LastSent => _sent.Last;

    public uint NextTokenId() => ++_lastTokenId;

    public bool TryTakeSequenceNumber(uint number) => _received.TryTake(number);

    public uint NextSequenceNumber() => _sent.Next();

    public void RewindSequenceNumbers(uint last) => _sent.Rewind(last);

    /// <summary>Adds a token; the first is used at once.</summary>
    public void Add(SecurityToken token)
    {
        if (_current is null)
        {
            _current = token;
            return;
        }

        _next?.Dispose();
        _next = token;
    }

    /// <summary>Finds the token of a message, and with the first message under a new one gives up the one before the last. For the connection's reader.</summary>
    /// <returns><see langword="null"/> if there is none of that id that still holds.</returns>
    public SecurityToken? FindToken(uint id)
    {
        var found =
            _current?.Id == id ? _current
            : _next?.Id == id ? _next
            : _previous?.Id == id ? _previous
            : null;
        return found is null || found.IsExpired(time) ? null : found;
    }

    /// <summary>Whether a message under this token, which was verified, is the first under it. Then <see cref="Use"/> is to be called.</summary>
    public bool IsNext(SecurityToken token) => ReferenceEquals(token, _next);

    /// <summary>Sends under the new token from now on.</summary>
    public void Use(SecurityToken next)
    {
        _previous?.Dispose();
        (_previous, _current, _next) = (_current, next, null);
    }

    /// <summary>Opens a chunk of a message in place.</summary>
    /// <param name="token">Its token.</param>
    /// <param name="buffer">The whole chunk from its first byte on.</param>
    /// <param name="size">The chunk's length.</param>
    /// <param name="bodyLength">How much follows the sequence header.</param>
    /// <returns><see langword="false"/> if it is not as the client has made it.</returns>
    public static bool TryOpen(SecurityToken token, byte[] buffer, int size, out int bodyLength)
    {
        bodyLength = size - ChunkHeader.MessageLength;
        if (token.Receiving is not { } keys)
            return true;
        if (keys.Encrypts)
        {
            var length = size - ChunkHeader.SymmetricLength;
            if (length % SecurityPolicy.SymmetricBlockBytes != 0)
                return false;
            keys.Transform(buffer, ChunkHeader.SymmetricLength, length);
        }

        var signed = size - SymmetricKeys.SignatureBytes;
        if (
            signed < ChunkHeader.MessageLength
            || !keys.Verify(buffer.AsSpan(0, signed), buffer.AsSpan(signed, SymmetricKeys.SignatureBytes))
        )
            return false;
        bodyLength = signed - ChunkHeader.MessageLength;
        return !keys.Encrypts || TryTakePadding(buffer.AsSpan(ChunkHeader.MessageLength, bodyLength), out bodyLength);
    }

    /// <summary>How much of a body fits into a chunk of at most so many bytes.</summary>
    public int MaxBodyBytes(int chunkBytes)
    {
        if (!Encrypts)
            return chunkBytes - ChunkHeader.MessageLength - SignatureBytes;
        var encrypted =
            (chunkBytes - ChunkHeader.SymmetricLength) / SecurityPolicy.SymmetricBlockBytes * SecurityPolicy.SymmetricBlockBytes;
        return encrypted - ChunkHeader.SequenceLength - SymmetricKeys.SignatureBytes - 1;
    }

    /// <summary>What a chunk may take besides its body and headers.</summary>
    public int MaxTrailerBytes => Encrypts ? SymmetricKeys.SignatureBytes + SecurityPolicy.SymmetricBlockBytes : SignatureBytes;

    /// <summary>Completes a chunk whose body lies after the room for its headers.</summary>
    /// <returns>The chunk's length.</returns>
    public int Seal(byte[] buffer, int offset, int bodyLength, ChunkKind kind, uint requestId, MessageType type = MessageType.Message)
    {
        var token = _current is { } current && (_next is null || !current.IsExpired(time)) ? current : _next!;
        var size = ChunkHeader.MessageLength + bodyLength;
        if (Encrypts)
            size += Pad(buffer.AsSpan(offset + size), ChunkHeader.SequenceLength + bodyLength + SymmetricKeys.SignatureBytes);
        var signed = size;
        size += SignatureBytes;

        var chunk = buffer.AsSpan(offset, size);
        new ChunkHeader(type, kind, (uint)size).Write(chunk);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[8..], Id);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[12..], token.Id);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[16..], NextSequenceNumber());
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[20..], requestId);
        if (token.Sending is { } keys)
        {
            keys.Sign(chunk[..signed], chunk[signed..]);
            if (keys.Encrypts)
                keys.Transform(buffer, offset + ChunkHeader.SymmetricLength, size - ChunkHeader.SymmetricLength);
        }

        return size;
    }

    public void Dispose()
    {
        _previous?.Dispose();
        _current?.Dispose();
        _next?.Dispose();
    }

    // A length, and that many bytes of the same value (Part 6 §6.7.2.5).
    private static int Pad(Span<byte> rest, int lengthWithoutPadding)
    {
        const int Block = SecurityPolicy.SymmetricBlockBytes;
        var padding = (Block - (lengthWithoutPadding + 1) % Block) % Block;
        rest[..(padding + 1)].Fill((byte)padding);
        return padding + 1;
    }

    private static bool TryTakePadding(ReadOnlySpan<byte> padded, out int bodyLength)
    {
        bodyLength = 0;
        if (padded.IsEmpty || padded[^1] >= padded.Length)
            return false;
        var padding = padded[^1];
        bodyLength = padded.Length - padding - 1;
        return !padded[bodyLength..].ContainsAnyExcept(padding);
    }
}
