using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Decodes rows of frames: stream_no, ts, arrived_at, vals, extra.</summary>
internal sealed class FrameRows(DeviceStreams streams)
{
    private byte[] _vals = new byte[1024];
    private byte[] _extra = [];

    /// <summary>Adds the wanted values of the current row.</summary>
    /// <exception cref="TelemetryStoreException">The row is not a frame of its stream.</exception>
    public (int StreamNo, long Time) Read(NpgsqlDataReader rows, PointWindow window)
    {
        var streamNo = rows.GetInt32(0);
        var (time, arrived) = (rows.GetFieldValue<long>(1), rows.GetFieldValue<long>(2));
        var stream = streams[streamNo];
        var count = stream.Ranks.Length;
        var vals = rows.GetBytes(3, ref _vals);
        var extra = rows.IsDBNull(4) ? default : rows.GetBytes(4, ref _extra);
        if (!FrameCodec.IsWhole(vals, extra, count))
            throw new TelemetryStoreException("A stored frame cannot be read: it is not of its stream's layout.", isTransient: false);
        foreach (var place in stream.Places)
        {
            var (kind, bits, quality) = FrameCodec.Read(vals, extra, count, place);
            var text = kind is TelemetryValueKind.Text or TelemetryValueKind.Json ? FrameCodec.TextOf(extra, count, bits) : default;
            window.Add(time, stream.Ranks[place], arrived, kind, bits, text, quality);
        }

        return (streamNo, time);
    }
}
