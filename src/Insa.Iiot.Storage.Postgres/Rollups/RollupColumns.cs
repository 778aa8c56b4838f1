using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Reads the columns of <c>rollup_hour</c> and <c>rollup_day</c> from n to last_ts.</summary>
internal static class RollupColumns
{
    public const string Names = "n, sum, sum_squares, min, max, first, last, first_ts, last_ts";

    public static RollupStats Read(NpgsqlDataReader rows, int first) =>
        new()
        {
            Count = rows.GetInt64(first),
            Sum = rows.GetDouble(first + 1),
            SumOfSquares = rows.GetDouble(first + 2),
            Min = rows.GetDouble(first + 3),
            Max = rows.GetDouble(first + 4),
            First = rows.GetDouble(first + 5),
            Last = rows.GetDouble(first + 6),
            FirstTime = rows.GetFieldValue<long>(first + 7),
            LastTime = rows.GetFieldValue<long>(first + 8),
        };
}
