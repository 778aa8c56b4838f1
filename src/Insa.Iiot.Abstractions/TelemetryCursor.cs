using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Insa.Iiot;

/// <summary>A place in a range of points: the last point seen. Stable while data is added.</summary>
/// <param name="Timestamp">The point's timestamp, UTC.</param>
/// <param name="Metric">The point's metric.</param>
public sealed record TelemetryCursor(DateTime Timestamp, string Metric)
{
    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <returns><see langword="false"/> if <paramref name="text"/> is no cursor.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out TelemetryCursor? cursor)
    {
        cursor = null;
        if (string.IsNullOrEmpty(text) || text.Length > 1024 || !Base64Url.IsValid(text))
            return false;
        var plain = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text));
        var colon = plain.IndexOf(':', StringComparison.Ordinal);
        if (
            colon < 1
            || !long.TryParse(plain.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
            || ticks > DateTime.MaxValue.Ticks
        )
        {
            return false;
        }

        cursor = new TelemetryCursor(new DateTime(ticks, DateTimeKind.Utc), plain[(colon + 1)..]);
        return true;
    }

    /// <returns>The cursor as opaque text of URL-safe characters.</returns>
    public override string ToString() =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Timestamp.Ticks}:{Metric}")));
}
