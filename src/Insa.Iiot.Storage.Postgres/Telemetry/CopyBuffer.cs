using System.Buffers;
using System.Buffers.Binary;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Rows of <c>telemetry_frame</c> in the binary format of COPY (PostgreSQL documentation, COPY, "Binary Format").</summary>
internal sealed class CopyBuffer : IDisposable
{
    /// <summary>The columns, in the order in which <see cref="Append"/> writes them.</summary>
    public const string Columns = "ts, arrived_at, tenant_no, stream_no, vals, extra";

    private const int FullAt = 256 * 1024;
    private const int FixedRowBytes = 2 + (6 * 4) + 8 + 8 + 4 + 4;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FullAt + 4096);
    private int _length;

    public bool IsFull => _length >= FullAt;

    /// <summary>What was appended since <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    public void Clear() => _length = 0;

    public void AppendHeader() => Write(CopyFormat.Header);

    public void AppendTrailer() => Write(CopyFormat.Trailer);

    public void Append(StreamEntry stream, TelemetryFrame frame)
    {
        var valsBytes = frame.Count * FrameCodec.ValueBytes;
        var extraBytes = FrameCodec.SizeOfExtra(frame);
        Reserve(FixedRowBytes + valsBytes + extraBytes);

        var row = _bytes.AsSpan(_length, FixedRowBytes + valsBytes + extraBytes);
        BinaryPrimitives.WriteInt16BigEndian(row, 6);
        WriteInt64(row[2..], PostgresTime.FromTicks(frame.TimestampTicks));
        WriteInt64(row[14..], PostgresTime.FromTicks(frame.ArrivalTicks));
        WriteInt32(row[26..], stream.TenantNo);
        WriteInt32(row[34..], stream.StreamNo);
        BinaryPrimitives.WriteInt32BigEndian(row[42..], valsBytes);
        var afterVals = 46 + valsBytes;
        BinaryPrimitives.WriteInt32BigEndian(row[afterVals..], extraBytes == 0 ? -1 : extraBytes);
        FrameCodec.Write(frame, row.Slice(46, valsBytes), row.Slice(afterVals + 4, extraBytes));
        _length += row.Length;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _length = 0;
    }

    private static void WriteInt64(Span<byte> target, long value)
    {
        BinaryPrimitives.WriteInt32BigEndian(target, sizeof(long));
        BinaryPrimitives.WriteInt64BigEndian(target[4..], value);
    }

    private static void WriteInt32(Span<byte> target, int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(target, sizeof(int));
        BinaryPrimitives.WriteInt32BigEndian(target[4..], value);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }

    private void Reserve(int more)
    {
        if (_bytes.Length - _length >= more)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(_length + more);
        Written.Span.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
