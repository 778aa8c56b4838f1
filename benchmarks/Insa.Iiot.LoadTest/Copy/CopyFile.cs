using System.Buffers.Binary;
using Insa.Iiot.Storage.Postgres;
using Insa.Iiot.Storage.Postgres.Telemetry;

namespace Insa.Iiot.LoadTest.Copy;

/// <summary>Telemetry as a file for <c>\copy … (format binary)</c> (PostgreSQL documentation, COPY, "Binary Format").</summary>
internal static class CopyFile
{
    /// <summary>A row per value: tenant, device, metric, ts, value.</summary>
    public static void WriteNarrow(string path, IEnumerable<PlantMessage> messages)
    {
        using var file = Open(path);
        foreach (var message in messages)
        {
            for (var metric = 0; metric < message.Values.Length; metric++)
            {
                WriteInt16(file, 5);
                WriteInt32(file, message.Tenant + 1);
                WriteInt32(file, message.Device + 1);
                WriteInt32(file, metric + 1);
                WriteInt64(file, PostgresTime.FromTicks(message.TimestampTicks));
                WriteInt64(file, BitConverter.DoubleToInt64Bits(message.Values[metric]));
            }
        }

        file.Write(CopyFormat.Trailer);
    }

    /// <summary>A row per message, as the sink writes it: ts, arrived_at, tenant_no, stream_no, vals, extra.</summary>
    public static void WriteFrames(string path, IEnumerable<PlantMessage> messages)
    {
        using var file = Open(path);
        var arrival = PostgresTime.FromTicks(PlantSource.Start.Ticks);
        Span<byte> vals = stackalloc byte[PlantSource.Metrics * sizeof(long)];
        foreach (var message in messages)
        {
            WriteInt16(file, 6);
            WriteInt64(file, PostgresTime.FromTicks(message.TimestampTicks));
            WriteInt64(file, arrival++);
            WriteInt32(file, message.Tenant + 1);
            WriteInt32(file, message.Device + 1);
            for (var i = 0; i < message.Values.Length; i++)
                BinaryPrimitives.WriteDoubleBigEndian(vals[(i * sizeof(long))..], message.Values[i]);
            WriteLength(file, vals.Length);
            file.Write(vals);
            WriteLength(file, -1);
        }

        file.Write(CopyFormat.Trailer);
    }

    private static BufferedStream Open(string path)
    {
        var file = new BufferedStream(File.Create(path), 1024 * 1024);
        file.Write(CopyFormat.Header);
        return file;
    }

    private static void WriteInt16(Stream file, short value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(short)];
        BinaryPrimitives.WriteInt16BigEndian(bytes, value);
        file.Write(bytes);
    }

    private static void WriteLength(Stream file, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        file.Write(bytes);
    }

    private static void WriteInt32(Stream file, int value)
    {
        WriteLength(file, sizeof(int));
        WriteLength(file, value);
    }

    private static void WriteInt64(Stream file, long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        WriteLength(file, sizeof(long));
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        file.Write(bytes);
    }
}
