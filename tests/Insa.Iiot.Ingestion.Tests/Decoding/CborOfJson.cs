using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Insa.Iiot.Ingestion.Tests.Decoding;

/// <summary>Writes a JSON value in CBOR, choosing by chance among the forms that say the same.</summary>
internal sealed class CborOfJson(Random random)
{
    private readonly List<byte> _cbor = [];
    private readonly Stack<bool> _open = [];

    public static byte[] Write(JsonElement json, int seed)
    {
        var writer = new CborOfJson(new Random(seed));
        writer.Add(json);
        return [.. writer._cbor];
    }

    private void Add(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                AddContainer(5, json.EnumerateObject().Count());
                foreach (var property in json.EnumerateObject())
                {
                    AddText(property.Name);
                    Add(property.Value);
                }

                EndContainer();
                break;
            case JsonValueKind.Array:
                AddContainer(4, json.GetArrayLength());
                foreach (var item in json.EnumerateArray())
                    Add(item);
                EndContainer();
                break;
            case JsonValueKind.String:
                AddText(json.GetString()!);
                break;
            case JsonValueKind.Number:
                AddNumber(json);
                break;
            default:
                _cbor.Add(
                    (byte)(
                        json.ValueKind == JsonValueKind.True ? 0xF5
                        : json.ValueKind == JsonValueKind.False ? 0xF4
                        : 0xF6
                    )
                );
                break;
        }
    }

    private void AddContainer(int major, int count)
    {
        var isIndefinite = random.Next(4) == 0;
        _open.Push(isIndefinite);
        if (isIndefinite)
            _cbor.Add((byte)((major << 5) | 31));
        else
            AddHead(major, (ulong)count);
    }

    private void EndContainer()
    {
        if (_open.Pop())
            _cbor.Add(0xFF);
    }

    private void AddText(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        if (random.Next(4) > 0)
        {
            AddHead(3, (ulong)utf8.Length);
            _cbor.AddRange(utf8);
            return;
        }

        _cbor.Add(0x7F);
        foreach (var rune in text.EnumerateRunes())
        {
            var part = Encoding.UTF8.GetBytes(rune.ToString());
            AddHead(3, (ulong)part.Length);
            _cbor.AddRange(part);
        }

        _cbor.Add(0xFF);
    }

    private void AddNumber(JsonElement json)
    {
        // What a double holds exactly may be written as one.
        var number = json.GetDouble();
        if (json.TryGetInt64(out var integer) && (Math.Abs(number) >= 1L << 53 || random.Next(4) > 0))
            AddHead(integer < 0 ? 1 : 0, (ulong)(integer < 0 ? -1 - integer : integer));
        else if ((double)(Half)number == number)
            AddBits(0xF9, 2, BitConverter.HalfToUInt16Bits((Half)number));
        else if ((double)(float)number == number)
            AddBits(0xFA, 4, BitConverter.SingleToUInt32Bits((float)number));
        else
            AddBits(0xFB, 8, BitConverter.DoubleToUInt64Bits(number));
    }

    // Sometimes longer than it need be, which decoders have to take too.
    private void AddHead(int major, ulong argument)
    {
        var width = argument switch
        {
            < 24 => 0,
            <= 0xFF => 1,
            <= 0xFFFF => 2,
            <= 0xFFFF_FFFF => 4,
            _ => 8,
        };
        if (width > 0 && random.Next(8) == 0)
            width = 8;
        if (width == 0)
            _cbor.Add((byte)((major << 5) | (int)argument));
        else
            AddBits((byte)((major << 5) | (24 + int.Log2(width))), width, argument);
    }

    private void AddBits(byte initial, int width, ulong bits)
    {
        Span<byte> wire = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(wire, bits);
        _cbor.Add(initial);
        _cbor.AddRange(wire[(8 - width)..]);
    }
}
