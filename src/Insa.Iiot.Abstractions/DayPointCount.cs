namespace Insa.Iiot;

/// <summary>How many points a day has.</summary>
/// <param name="Day">The day, UTC.</param>
/// <param name="Points">The points.</param>
public readonly record struct DayPointCount(DateOnly Day, long Points);
