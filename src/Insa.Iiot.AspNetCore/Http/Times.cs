using System.Globalization;

namespace Insa.Iiot.AspNetCore.Http;

/// <summary>Times as RFC 3339 in UTC.</summary>
internal static class Times
{
    public static DateTime Utc(DateTime utc) => DateTime.SpecifyKind(utc, DateTimeKind.Utc);

    public static bool TryRead(string? text, DateTime absent, out DateTime time)
    {
        time = absent;
        if (text is null)
            return true;
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var read))
            return false;
        time = read.UtcDateTime;
        return true;
    }
}
