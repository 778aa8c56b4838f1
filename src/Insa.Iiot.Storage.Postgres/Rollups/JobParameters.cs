using Npgsql;
using NpgsqlTypes;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Arrays and times as parameters.</summary>
internal static class JobParameters
{
    public static NpgsqlParameter Numbers(int[] values) =>
        new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer };

    // As microseconds since 2000, which is what the server stores.
    public static NpgsqlParameter Times(long[] values) =>
        new NpgsqlParameter<long[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz };

    public static NpgsqlParameter Time(long value) =>
        new NpgsqlParameter<long> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    /// <summary>Three arrays: tenants, devices, starts.</summary>
    public static void Add(NpgsqlParameterCollection parameters, IReadOnlyList<DeviceHour> hours)
    {
        parameters.Add(Numbers([.. hours.Select(hour => hour.TenantNo)]));
        parameters.Add(Numbers([.. hours.Select(hour => hour.DeviceNo)]));
        parameters.Add(Times([.. hours.Select(hour => hour.Start)]));
    }
}
