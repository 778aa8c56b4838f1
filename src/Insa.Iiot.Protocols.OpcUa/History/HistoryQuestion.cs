using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>What a continuation point goes on with. Only the same question is given the rest of its answer.</summary>
/// <param name="Kind">What kind of details.</param>
/// <param name="Start">The start asked for.</param>
/// <param name="End">The end asked for.</param>
/// <param name="Interval">The interval, as bits of a double.</param>
/// <param name="Aggregate">The aggregate.</param>
/// <param name="Options">Flags of the question.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct HistoryQuestion(uint Kind, long Start, long End, long Interval, uint Aggregate, uint Options)
{
    public const int Bytes = 36;

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to, Kind);
        BinaryPrimitives.WriteInt64LittleEndian(to[4..], Start);
        BinaryPrimitives.WriteInt64LittleEndian(to[12..], End);
        BinaryPrimitives.WriteInt64LittleEndian(to[20..], Interval);
        BinaryPrimitives.WriteUInt32LittleEndian(to[28..], Aggregate);
        BinaryPrimitives.WriteUInt32LittleEndian(to[32..], Options);
    }
}
