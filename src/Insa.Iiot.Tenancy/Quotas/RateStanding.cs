namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>How one window stands: what a <c>RateLimit</c> header field says of it.</summary>
/// <param name="Window">The window.</param>
/// <param name="Remaining">Units that may come now; never less than 0.</param>
/// <param name="Reset">When all units are back, if none comes until then.</param>
internal readonly record struct RateStanding(RateWindow Window, long Remaining, TimeSpan Reset);
