using System.Buffers.Binary;

namespace Insa.Iiot.Storage.Postgres.Chunks;

/// <summary>Writes bits, the lowest first, into room that the caller has made.</summary>
internal ref struct BitWriter(Span<byte> target)
{
    private readonly Span<byte> _target = target;
    private int _position;
    private ulong _word;
    private int _used;

    /// <summary>Writes the lowest <paramref name="count"/> bits, 1 to 64; those above must be zero.</summary>
    public void Write(ulong value, int count)
    {
        _word |= value << _used;
        _used += count;
        if (_used < 64)
            return;
        BinaryPrimitives.WriteUInt64LittleEndian(_target[_position..], _word);
        _position += sizeof(ulong);
        _used -= 64;
        _word = _used == 0 ? 0 : value >> (count - _used);
    }

    /// <summary>Fills the last byte up.</summary>
    /// <returns>How many bytes were written in all.</returns>
    public int Finish()
    {
        for (; _used > 0; _used -= 8, _word >>= 8)
            _target[_position++] = (byte)_word;
        return _position;
    }
}
