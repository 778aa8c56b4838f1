using System.Buffers;
using System.Buffers.Binary;
using Insa.Iiot.Storage.Postgres.Chunks;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Rows of <c>telemetry_chunk</c> in the binary format of COPY.</summary>
internal sealed class ChunkRows
{
    public const string Columns = "tenant_no, device_no, metric_no, t0, t1, points, n, sum, sum_squares, min, max, first, last, d";

    private readonly ArrayBufferWriter<byte> _bytes = new(1024 * 1024);

    public int Count { get; private set; }

    public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

    public void Begin()
    {
        _bytes.ResetWrittenCount();
        _bytes.Write(CopyFormat.Header);
        Count = 0;
    }

    public void Append(int tenantNo, int deviceNo, int metricNo, long t0, SeriesColumns columns, ReadOnlySpan<byte> chunk)
    {
        var summary = ChunkSummary.Of(columns);
        BinaryPrimitives.WriteInt16BigEndian(_bytes.GetSpan(2), 14);
        _bytes.Advance(2);
        WriteInt32(tenantNo);
        WriteInt32(deviceNo);
        WriteInt32(metricNo);
        WriteInt64(t0);
        WriteInt64(columns.Times[^1]);
        WriteInt32(summary.Count);
        WriteInt32(summary.Numbers);
        WriteNumber(summary, summary.Sum);
        WriteNumber(summary, summary.SumOfSquares);
        WriteNumber(summary, summary.Min);
        WriteNumber(summary, summary.Max);
        WriteNumber(summary, summary.First);
        WriteNumber(summary, summary.Last);
        WriteLength(chunk.Length);
        _bytes.Write(chunk);
        Count++;
    }

    public void End() => _bytes.Write(CopyFormat.Trailer);

    private void WriteNumber(in ChunkSummary summary, double value)
    {
        if (summary.Numbers == 0)
            WriteLength(-1);
        else
            WriteInt64(BitConverter.DoubleToInt64Bits(value));
    }

    private void WriteInt32(int value)
    {
        WriteLength(sizeof(int));
        WriteLength(value);
    }

    private void WriteInt64(long value)
    {
        WriteLength(sizeof(long));
        BinaryPrimitives.WriteInt64BigEndian(_bytes.GetSpan(sizeof(long)), value);
        _bytes.Advance(sizeof(long));
    }

    private void WriteLength(int length)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.GetSpan(sizeof(int)), length);
        _bytes.Advance(sizeof(int));
    }
}
