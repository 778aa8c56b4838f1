using System.Globalization;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>A calendar month in UTC.</summary>
/// <param name="StartsAt">Its first moment.</param>
internal readonly record struct QuotaPeriod(DateTime StartsAt)
{
    public DateTime EndsAt => StartsAt.AddMonths(1);

    /// <summary>Such as <c>2026-11</c>.</summary>
    public string Name => StartsAt.ToString("yyyy-MM", CultureInfo.InvariantCulture);

    public static QuotaPeriod Of(DateTime utc) => new(new DateTime(utc.Year, utc.Month, 1, 0, 0, 0, DateTimeKind.Utc));
}
