using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.Coap.Messages;

/// <summary>What a client tells its requests apart by: 0 to 8 bytes, kept in place, or up to 65,804 (RFC 8974).</summary>
internal readonly struct CoapToken : IEquatable<CoapToken>
{
    public const int MaxShortLength = 8;

    private readonly ulong _bytes;
    private readonly byte[]? _long;
    private readonly byte _length;

    public CoapToken(ReadOnlySpan<byte> token)
    {
        if (token.Length > MaxShortLength)
        {
            _long = token.ToArray();
            return;
        }

        Span<byte> bytes = stackalloc byte[MaxShortLength];
        bytes.Clear();
        token.CopyTo(bytes);
        _bytes = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _length = (byte)token.Length;
    }

    public int Length => _long?.Length ?? _length;

    /// <summary>Copies it.</summary>
    /// <returns>Its bytes, the first of <paramref name="buffer"/> unless it is a long one.</returns>
    public ReadOnlySpan<byte> AsSpan(Span<byte> buffer)
    {
        if (_long is not null)
            return _long;
        BinaryPrimitives.WriteUInt64BigEndian(buffer, _bytes);
        return buffer[.._length];
    }

    public bool Equals(CoapToken other) => _bytes == other._bytes && _length == other._length && _long.AsSpan().SequenceEqual(other._long);

    public override bool Equals(object? obj) => obj is CoapToken other && Equals(other);

    public override int GetHashCode()
    {
        if (_long is null)
            return HashCode.Combine(_bytes, _length);
        var hash = default(HashCode);
        hash.AddBytes(_long);
        return hash.ToHashCode();
    }
}
