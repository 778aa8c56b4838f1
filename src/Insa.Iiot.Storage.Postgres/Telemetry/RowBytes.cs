using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>Reads columns of bytes into a buffer that is kept from row to row.</summary>
internal static class RowBytes
{
    public static ReadOnlySpan<byte> GetBytes(this NpgsqlDataReader rows, int column, ref byte[] buffer)
    {
        var length = (int)rows.GetBytes(column, 0, null, 0, 0);
        if (buffer.Length < length)
            buffer = new byte[length];
        rows.GetBytes(column, 0, buffer, 0, length);
        return buffer.AsSpan(0, length);
    }
}
