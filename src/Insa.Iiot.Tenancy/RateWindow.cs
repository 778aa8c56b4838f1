namespace Insa.Iiot.Tenancy;

/// <summary>One window of a <see cref="RateLimit"/>.</summary>
/// <param name="Units">How many units, such as messages; all of them may come at once.</param>
/// <param name="Seconds">In how many seconds as many come back, evenly.</param>
public readonly record struct RateWindow(long Units, int Seconds);
