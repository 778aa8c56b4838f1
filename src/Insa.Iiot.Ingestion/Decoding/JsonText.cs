using System.Buffers;
using System.Globalization;

namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>Writes JSON of values that came in another form, into one rented buffer that grows. Owned by one decode call, which disposes it.</summary>
internal ref struct JsonText
{
    private byte[]? _buffer;
    private int _length;

    public readonly ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    public void Clear() => _length = 0;

    public void Dispose()
    {
        if (_buffer is not null)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
    }

    public void Add(byte one)
    {
        Reserve(1)[0] = one;
        _length++;
    }

    public void Add(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        _length += bytes.Length;
    }

    /// <summary>Adds a string in quotes. Its bytes are not checked to be UTF-8.</summary>
    public void AddString(scoped ReadOnlySpan<byte> text)
    {
        Add((byte)'"');
        foreach (var b in text)
        {
            if (b is (byte)'"' or (byte)'\\')
                Add((byte)'\\');
            if (b >= 0x20)
            {
                Add(b);
                continue;
            }

            Add("\\u00"u8);
            Add((byte)('0' + (b >> 4)));
            Add("0123456789abcdef"u8[b & 0xF]);
        }

        Add((byte)'"');
    }

    /// <summary>Adds a number; it must be finite.</summary>
    public void AddNumber(double value)
    {
        // The shortest text that reads back as the same double has up to 24 characters.
        value.TryFormat(Reserve(32), out var written, "R", CultureInfo.InvariantCulture);
        _length += written;
    }

    public void AddInteger(Int128 value)
    {
        value.TryFormat(Reserve(48), out var written, default, CultureInfo.InvariantCulture);
        _length += written;
    }

    private Span<byte> Reserve(int count)
    {
        if (_buffer is null)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(count, 256));
        }
        else if (_buffer.Length - _length < count)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, _length + count));
            Written.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        return _buffer.AsSpan(_length);
    }
}
