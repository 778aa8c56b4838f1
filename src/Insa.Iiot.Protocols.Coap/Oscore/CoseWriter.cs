namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>Writes the few kinds of CBOR that OSCORE hashes and authenticates, in their shortest form. The buffer must be large enough.</summary>
internal ref struct CoseWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;
    private int _length;

    public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

    public void WriteArray(int count) => WriteHead(4, count);

    public void WriteInteger(int value) => WriteHead(0, value);

    public void WriteBytes(scoped ReadOnlySpan<byte> bytes)
    {
        WriteHead(2, bytes.Length);
        Write(bytes);
    }

    public void WriteText(scoped ReadOnlySpan<byte> utf8)
    {
        WriteHead(3, utf8.Length);
        Write(utf8);
    }

    public void WriteNull() => _buffer[_length++] = 0xF6;

    private void WriteHead(int major, int value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, byte.MaxValue);
        if (value < 24)
        {
            _buffer[_length++] = (byte)((major << 5) | value);
            return;
        }

        _buffer[_length++] = (byte)((major << 5) | 24);
        _buffer[_length++] = (byte)value;
    }

    private void Write(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer[_length..]);
        _length += bytes.Length;
    }
}
