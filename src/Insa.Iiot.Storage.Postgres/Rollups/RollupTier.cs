namespace Insa.Iiot.Storage.Postgres.Rollups;

/// <summary>What buckets can be made of.</summary>
internal enum RollupTier
{
    /// <summary>The points themselves.</summary>
    Raw,

    /// <summary>Rows of <c>rollup_minute</c>.</summary>
    Minute,

    /// <summary>Rows of <c>rollup_hour</c>.</summary>
    Hour,

    /// <summary>Rows of <c>rollup_day</c>.</summary>
    Day,
}
