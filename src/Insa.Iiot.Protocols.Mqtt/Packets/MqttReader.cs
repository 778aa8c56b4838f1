using System.Buffers.Binary;
using System.Text.Unicode;

namespace Insa.Iiot.Protocols.Mqtt.Packets;

/// <summary>Reads the fields of a packet's body in place (MQTT 5 §1.5). After a failure all further reads fail.</summary>
internal ref struct MqttReader(ReadOnlySpan<byte> body)
{
    private ReadOnlySpan<byte> _rest = body;

    public readonly ReadOnlySpan<byte> Rest => _rest;

    public bool TryReadByte(out byte value)
    {
        value = 0;
        if (_rest.IsEmpty)
            return false;
        value = _rest[0];
        _rest = _rest[1..];
        return true;
    }

    public bool TryReadUInt16(out ushort value)
    {
        if (!BinaryPrimitives.TryReadUInt16BigEndian(_rest, out value))
            return false;
        _rest = _rest[sizeof(ushort)..];
        return true;
    }

    public bool TryReadUInt32(out uint value)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(_rest, out value))
            return false;
        _rest = _rest[sizeof(uint)..];
        return true;
    }

    public bool TryReadVariable(out int value)
    {
        value = 0;
        for (var i = 0; i < 4; i++)
        {
            if (!TryReadByte(out var b))
                return false;
            value |= (b & 0x7F) << (7 * i);
            if ((b & 0x80) == 0)
                return true;
        }

        return false;
    }

    public bool TryReadBinary(out ReadOnlySpan<byte> value)
    {
        value = default;
        return TryReadUInt16(out var length) && TryTake(length, out value);
    }

    /// <summary>Reads UTF-8 text, which holds no U+0000 (MQTT 5 §1.5.4).</summary>
    public bool TryReadText(out ReadOnlySpan<byte> utf8) => TryReadBinary(out utf8) && Utf8.IsValid(utf8) && !utf8.Contains((byte)0);

    /// <summary>Reads the block of an MQTT 5 packet's properties (§2.2.2).</summary>
    public bool TryReadProperties(out ReadOnlySpan<byte> block)
    {
        block = default;
        return TryReadVariable(out var length) && TryTake(length, out block);
    }

    public bool TryTake(int length, out ReadOnlySpan<byte> taken)
    {
        taken = default;
        if ((uint)length > (uint)_rest.Length)
            return false;
        taken = _rest[..length];
        _rest = _rest[length..];
        return true;
    }
}
