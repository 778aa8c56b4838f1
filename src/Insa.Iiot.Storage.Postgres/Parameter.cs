using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres;

/// <summary>Makes parameters of statements. Times as long are microseconds since 2000, which is what goes over the wire.</summary>
internal static class Parameter
{
    public static NpgsqlParameter Text(string? value) => Of(value, NpgsqlDbType.Text);

    public static NpgsqlParameter Bytes(byte[] value) => Of(value, NpgsqlDbType.Bytea);

    public static NpgsqlParameter Flag(bool value) => Of(value, NpgsqlDbType.Boolean);

    public static NpgsqlParameter Number(int value) => Of(value, NpgsqlDbType.Integer);

    public static NpgsqlParameter Number(int? value) => Of(value, NpgsqlDbType.Integer);

    public static NpgsqlParameter Number(long value) => Of(value, NpgsqlDbType.Bigint);

    public static NpgsqlParameter Number(long? value) => Of(value, NpgsqlDbType.Bigint);

    public static NpgsqlParameter Json(ReadOnlyMemory<byte> utf8) =>
        new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = utf8, NpgsqlDbType = NpgsqlDbType.Jsonb };

    public static NpgsqlParameter Interval(TimeSpan? value) => Of(value, NpgsqlDbType.Interval);

    public static NpgsqlParameter Time(DateTime utc) => Of(utc, NpgsqlDbType.TimestampTz);

    public static NpgsqlParameter Time(long microseconds) =>
        new NpgsqlParameter<long> { TypedValue = microseconds, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    public static NpgsqlParameter Texts(string[] values) => Of(values, NpgsqlDbType.Array | NpgsqlDbType.Text);

    public static NpgsqlParameter Numbers(int[] values) => Of(values, NpgsqlDbType.Array | NpgsqlDbType.Integer);

    public static NpgsqlParameter Times(long[] microseconds) => List(microseconds, NpgsqlDbType.TimestampTz);

    /// <summary>An array or a list, without boxing its elements.</summary>
    public static NpgsqlParameter List<T>(T values, NpgsqlDbType elements) =>
        new NpgsqlParameter<T> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | elements };

    private static NpgsqlParameter Of(object? value, NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };
}
