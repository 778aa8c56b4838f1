namespace Insa.Iiot.Storage.Postgres;

/// <summary>As long as it stands, nothing that it matches is deleted, in any tier.</summary>
/// <param name="Name">Its name within the tenant.</param>
/// <param name="Device">A device's id or a pattern, as in <see cref="RetentionPolicy.Metric"/>.</param>
/// <param name="Metric">A metric's name or a pattern.</param>
/// <param name="From">The first instant, UTC.</param>
/// <param name="To">The first instant after it, UTC.</param>
/// <param name="Reason">Why, for people.</param>
public sealed record LegalHold(string Name, string Device, string Metric, DateTime From, DateTime To, string Reason);
