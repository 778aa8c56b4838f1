using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.Coap.Messages;

/// <summary>Writes a message into a buffer: header and token, then options by ascending number, then the payload.</summary>
/// <remarks>What does not fit is left out, and <see cref="IsTruncated"/> says so: such a message must not be sent.</remarks>
internal ref struct CoapMessageWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;
    private int _lastNumber;

    public int Length { get; private set; }

    public bool IsTruncated { get; private set; }

    /// <summary>What is written so far.</summary>
    public readonly ReadOnlySpan<byte> Written => _buffer[..Length];

    /// <summary>The nibble that stands for a token's length (RFC 8974 §2.1).</summary>
    public static int NibbleOf(int tokenLength) =>
        tokenLength switch
        {
            < 13 => tokenLength,
            < 269 => 13,
            _ => 14,
        };

    public void WriteHeader(CoapHeader header, scoped ReadOnlySpan<byte> token)
    {
        if (!TryTake(CoapHeader.Length, out var span))
            return;
        header.Write(span, NibbleOf(token.Length));
        WriteToken(token);
    }

    /// <summary>Writes the token, with the bytes that extend its length.</summary>
    public void WriteToken(scoped ReadOnlySpan<byte> token)
    {
        WriteExtended(token.Length);
        Write(token);
    }

    /// <param name="number">The option's number, not below the last one's.</param>
    /// <param name="value">Its value.</param>
    public void WriteOption(int number, scoped ReadOnlySpan<byte> value)
    {
        var delta = number - _lastNumber;
        ArgumentOutOfRangeException.ThrowIfNegative(delta, nameof(number));
        if (!TryTake(1, out var head))
            return;
        head[0] = (byte)((NibbleOf(delta) << 4) | NibbleOf(value.Length));
        WriteExtended(delta);
        WriteExtended(value.Length);
        Write(value);
        _lastNumber = number;
    }

    /// <summary>Writes a number in as few bytes as it takes; 0 takes none (RFC 7252 §3.2).</summary>
    public void WriteOption(int number, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        WriteOption(number, bytes[(System.Numerics.BitOperations.LeadingZeroCount(value) / 8)..]);
    }

    public void WritePayload(scoped ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty || !TryTake(1, out var marker))
            return;
        marker[0] = 0xFF;
        Write(payload);
    }

    private void WriteExtended(int value)
    {
        if (value < 13)
            return;
        if (value < 269)
        {
            if (TryTake(1, out var one))
                one[0] = (byte)(value - 13);
        }
        else if (TryTake(2, out var two))
        {
            BinaryPrimitives.WriteUInt16BigEndian(two, (ushort)(value - 269));
        }
    }

    private void Write(scoped ReadOnlySpan<byte> bytes)
    {
        if (TryTake(bytes.Length, out var span))
            bytes.CopyTo(span);
    }

    private bool TryTake(int length, out Span<byte> span)
    {
        span = default;
        if (IsTruncated || length > _buffer.Length - Length)
        {
            IsTruncated = true;
            return false;
        }

        span = _buffer.Slice(Length, length);
        Length += length;
        return true;
    }
}
