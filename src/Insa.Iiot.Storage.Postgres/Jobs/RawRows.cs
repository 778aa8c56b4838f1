using System.Buffers;
using System.Buffers.Binary;

namespace Insa.Iiot.Storage.Postgres.Jobs;

/// <summary>Reads what COPY … TO STDOUT (FORMAT BINARY) sends, row by row, in place (PostgreSQL documentation, COPY, "Binary Format").</summary>
/// <remarks>Two to three times as fast as a data reader, which is what reading whole partitions is worth it for.</remarks>
internal sealed class RawRows(Stream stream) : IAsyncDisposable
{
    private const int MostFields = 8;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(256 * 1024);
    private int _start;
    private int _end;
    private bool _hasHeader;
    private readonly int[] _fields = new int[MostFields];

    /// <summary>Goes to the next row; its fields are valid until the next call.</summary>
    /// <returns><see langword="false"/> at the end.</returns>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryTake(out var more))
                return more;
            await FillAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public long GetInt64(int field) => BinaryPrimitives.ReadInt64BigEndian(Field(field));

    public int GetInt32(int field) => BinaryPrimitives.ReadInt32BigEndian(Field(field));

    /// <summary>The bytes of a field; empty if it is null.</summary>
    public ReadOnlySpan<byte> Field(int field)
    {
        var at = _fields[field];
        return _buffer.AsSpan(at + sizeof(int), Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(at))));
    }

    public async ValueTask DisposeAsync()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        await stream.DisposeAsync().ConfigureAwait(false);
    }

    // Whether a whole row, or the end, is in the buffer.
    private bool TryTake(out bool isRow)
    {
        isRow = false;
        if (!_hasHeader)
        {
            if (_end - _start < CopyFormat.Header.Length)
                return false;
            _start += CopyFormat.Header.Length;
            _hasHeader = true;
        }

        var bytes = _buffer.AsSpan(_start, _end - _start);
        if (bytes.Length < sizeof(short))
            return false;
        var fields = BinaryPrimitives.ReadInt16BigEndian(bytes);
        if (fields < 0)
            return true;
        var at = sizeof(short);
        for (var i = 0; i < fields; i++)
        {
            if (bytes.Length - at < sizeof(int))
                return false;
            _fields[i] = _start + at;
            at += sizeof(int) + Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(bytes[at..]));
            if (at > bytes.Length)
                return false;
        }

        _start += at;
        isRow = true;
        return true;
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            _buffer.AsSpan(0, _end).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
        if (read == 0)
            throw new TelemetryStoreException("The server ended a transfer in the middle of a row.", isTransient: true);
        _end += read;
    }
}
