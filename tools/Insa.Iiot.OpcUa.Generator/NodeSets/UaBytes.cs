using System.Text;

namespace Insa.Iiot.OpcUa.Generator.NodeSets;

/// <summary>Writes the little of the binary encoding (OPC 10000-6 §5.2) that values of standard nodes need.</summary>
internal sealed class UaBytes
{
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    public void Byte(byte value) => _bytes.Add(value);

    public void Boolean(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void UInt16(ushort value)
    {
        Byte((byte)value);
        Byte((byte)(value >> 8));
    }

    public void Int32(int value) => UInt32((uint)value);

    public void UInt32(uint value)
    {
        UInt16((ushort)value);
        UInt16((ushort)(value >> 16));
    }

    public void Int64(long value)
    {
        UInt32((uint)value);
        UInt32((uint)(value >> 32));
    }

    public void String(string? value)
    {
        if (value is null)
        {
            Int32(-1);
            return;
        }

        var bytes = Encoding.UTF8.GetBytes(value);
        Int32(bytes.Length);
        _bytes.AddRange(bytes);
    }

    public void NodeId(NodeKey key)
    {
        if (key.Namespace == 0 && key.Id <= 255)
        {
            Byte(0);
            Byte((byte)key.Id);
        }
        else if (key.Id <= ushort.MaxValue)
        {
            Byte(1);
            Byte(key.Namespace);
            UInt16((ushort)key.Id);
        }
        else
        {
            Byte(2);
            UInt16(key.Namespace);
            UInt32(key.Id);
        }
    }

    public void Text(string? text)
    {
        Byte(text is null ? (byte)0 : (byte)2);
        if (text is not null)
            String(text);
    }

    /// <summary>A structure as an extension object; <paramref name="write"/> writes its body.</summary>
    public void ExtensionObject(uint encoding, Action<UaBytes> write)
    {
        NodeId(new NodeKey(0, encoding));
        Byte(1);
        var body = new UaBytes();
        write(body);
        var bytes = body.ToArray();
        Int32(bytes.Length);
        _bytes.AddRange(bytes);
    }

    public void UInt32Array(uint[]? values)
    {
        Int32(values?.Length ?? -1);
        foreach (var value in values ?? [])
            UInt32(value);
    }
}
