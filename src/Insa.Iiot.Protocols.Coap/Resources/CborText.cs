using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Insa.Iiot.Protocols.Coap.Resources;

/// <summary>Writes the little CBOR the server's own answers need (RFC 8949 §3).</summary>
internal sealed class CborText
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public void WriteInteger(long value)
    {
        if (value >= 0)
            WriteHead(0, (ulong)value);
        else
            WriteHead(1, (ulong)(-1 - value));
    }

    public void WriteText(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        WriteHead(3, (ulong)bytes.Length);
        _buffer.Write(bytes);
    }

    public void WriteArray(int count) => WriteHead(4, (ulong)count);

    public void WriteMap(int count) => WriteHead(5, (ulong)count);

    public void WriteTag(int tag) => WriteHead(6, (ulong)tag);

    public byte[] ToArray() => _buffer.WrittenSpan.ToArray();

    private void WriteHead(int majorType, ulong value)
    {
        var span = _buffer.GetSpan(9);
        var (length, detail) = value switch
        {
            < 24 => (0, (int)value),
            <= byte.MaxValue => (1, 24),
            <= ushort.MaxValue => (2, 25),
            <= uint.MaxValue => (4, 26),
            _ => (8, 27),
        };
        span[0] = (byte)((majorType << 5) | detail);
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        bytes[(sizeof(ulong) - length)..].CopyTo(span[1..]);
        _buffer.Advance(1 + length);
    }
}
