using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

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

    public void WriteBoolean(bool value) => WriteHead(7, value ? 21UL : 20UL);

    /// <summary>Writes what is CBOR already.</summary>
    public void WriteRaw(ReadOnlySpan<byte> cbor) => _buffer.Write(cbor);

    /// <summary>Writes a JSON value. Arrays and maps are of indefinite length (RFC 8949 §3.2.2), as JSON does not say theirs in front.</summary>
    public void WriteJson(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    WriteByte(0xBF);
                    break;
                case JsonTokenType.StartArray:
                    WriteByte(0x9F);
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    WriteByte(0xFF);
                    break;
                case JsonTokenType.PropertyName or JsonTokenType.String:
                    WriteText(reader.GetString()!);
                    break;
                case JsonTokenType.Number when reader.TryGetInt64(out var integer):
                    WriteInteger(integer);
                    break;
                case JsonTokenType.Number:
                    WriteDouble(reader.GetDouble());
                    break;
                case JsonTokenType.Null:
                    WriteHead(7, 22);
                    break;
                default:
                    WriteBoolean(reader.TokenType == JsonTokenType.True);
                    break;
            }
        }
    }

    public byte[] ToArray() => _buffer.WrittenSpan.ToArray();

    private void WriteDouble(double value)
    {
        WriteByte(0xFB);
        BinaryPrimitives.WriteDoubleBigEndian(_buffer.GetSpan(sizeof(double)), value);
        _buffer.Advance(sizeof(double));
    }

    private void WriteByte(byte value)
    {
        _buffer.GetSpan(1)[0] = value;
        _buffer.Advance(1);
    }

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
