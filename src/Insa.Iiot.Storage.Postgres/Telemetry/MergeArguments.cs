using System.Buffers;
using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>The arguments of <c>iiot_data.write_frames</c>: frames in columns, their bytes in one piece.</summary>
internal sealed class MergeArguments : IDisposable
{
    private readonly List<int> _tenantNos = [];
    private readonly List<int> _streamNos = [];
    private readonly List<long> _times = [];
    private readonly List<long> _arrivals = [];
    private readonly List<int> _valsAt = [];
    private readonly List<int> _valsLength = [];
    private readonly List<int> _extraAt = [];
    private readonly List<int> _extraLength = [];
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(64 * 1024);
    private int _length;

    /// <summary>Whether there is enough for one call.</summary>
    public bool IsFull => _length >= 4 * 1024 * 1024;

    public void Clear()
    {
        _tenantNos.Clear();
        _streamNos.Clear();
        _times.Clear();
        _arrivals.Clear();
        _valsAt.Clear();
        _valsLength.Clear();
        _extraAt.Clear();
        _extraLength.Clear();
        _length = 0;
    }

    public void Append(StreamEntry stream, TelemetryFrame frame)
    {
        var valsBytes = frame.Count * FrameCodec.ValueBytes;
        var extraBytes = FrameCodec.SizeOfExtra(frame);
        Reserve(valsBytes + extraBytes);
        FrameCodec.Write(frame, _bytes.AsSpan(_length, valsBytes), _bytes.AsSpan(_length + valsBytes, extraBytes));

        _tenantNos.Add(stream.TenantNo);
        _streamNos.Add(stream.StreamNo);
        _times.Add(PostgresTime.FromTicks(frame.TimestampTicks));
        _arrivals.Add(PostgresTime.FromTicks(frame.ArrivalTicks));
        _valsAt.Add(_length);
        _valsLength.Add(valsBytes);
        _extraAt.Add(_length + valsBytes);
        _extraLength.Add(extraBytes);
        _length += valsBytes + extraBytes;
    }

    /// <summary>Makes the call; its result is the database's generation.</summary>
    public NpgsqlCommand ToCommand(NpgsqlConnection connection, long generation)
    {
        var command = new NpgsqlCommand("select iiot_data.write_frames($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", connection);
        command.Parameters.Add(Parameter.Number(generation));
        AddArray(command, _tenantNos, NpgsqlDbType.Integer);
        AddArray(command, _streamNos, NpgsqlDbType.Integer);
        AddArray(command, _times, NpgsqlDbType.TimestampTz);
        AddArray(command, _arrivals, NpgsqlDbType.TimestampTz);
        AddArray(command, _valsAt, NpgsqlDbType.Integer);
        AddArray(command, _valsLength, NpgsqlDbType.Integer);
        AddArray(command, _extraAt, NpgsqlDbType.Integer);
        AddArray(command, _extraLength, NpgsqlDbType.Integer);
        command.Parameters.Add(
            new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = _bytes.AsMemory(0, _length), NpgsqlDbType = NpgsqlDbType.Bytea }
        );
        return command;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    // Microseconds since 2000 are what the server stores: a long goes over the wire as it is.
    private static void AddArray<T>(NpgsqlCommand command, List<T> values, NpgsqlDbType type) =>
        command.Parameters.Add(Parameter.List(values, type));

    private void Reserve(int more)
    {
        if (_bytes.Length - _length >= more)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + more, _bytes.Length * 2));
        _bytes.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
