using System.Buffers;

namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>Room for what cannot be read in place, such as unescaped text. Owned by one decode call, which disposes it.</summary>
/// <param name="capacity">The most bytes all <see cref="Take"/> calls ask for together.</param>
internal ref struct DecoderScratch(int capacity)
{
    private byte[]? _buffer;
    private int _used;

    /// <summary>Takes bytes that stay valid until the end of the call; empty-handed callers get fewer bytes than they asked for.</summary>
    public Span<byte> Take(int length)
    {
        _buffer ??= ArrayPool<byte>.Shared.Rent(Math.Max(capacity, 16));
        var taken = _buffer.AsSpan(_used, Math.Min(length, _buffer.Length - _used));
        _used += taken.Length;
        return taken;
    }

    public void Dispose()
    {
        if (_buffer is not null)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
    }
}
