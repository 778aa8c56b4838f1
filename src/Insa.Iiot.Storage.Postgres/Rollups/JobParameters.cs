using Npgsql;

namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>Hours of devices as parameters.</summary>
internal static class JobParameters
{
    /// <summary>Adds three arrays: tenants, devices, starts.</summary>
    public static void Add(NpgsqlParameterCollection parameters, IReadOnlyList<DeviceHour> hours)
    {
        parameters.Add(Parameter.Numbers([.. hours.Select(hour => hour.TenantNo)]));
        parameters.Add(Parameter.Numbers([.. hours.Select(hour => hour.DeviceNo)]));
        parameters.Add(Parameter.Times([.. hours.Select(hour => hour.Start)]));
    }
}
