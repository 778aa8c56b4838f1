using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Reads the table of standard nodes from its first byte to its last.</summary>
internal ref struct TableReader(ReadOnlySpan<byte> table)
{
    private readonly ReadOnlySpan<byte> _table = table;

    public int Offset { get; private set; }

    public byte Byte() => _table[Offset++];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(_table[Skip(sizeof(ushort))..]);

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(_table[Skip(sizeof(uint))..]);

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(_table[Skip(sizeof(int))..]);

    public double Double() => BinaryPrimitives.ReadDoubleLittleEndian(_table[Skip(sizeof(double))..]);

    /// <returns>Where what is passed over begins.</returns>
    public int Skip(int bytes)
    {
        var start = Offset;
        Offset += bytes;
        return start;
    }
}
