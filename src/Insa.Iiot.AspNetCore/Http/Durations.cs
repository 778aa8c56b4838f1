using System.Globalization;

namespace Insa.Iiot.AspNetCore.Http;

/// <summary>Durations as a number and a unit: <c>500ms</c>, <c>15s</c>, <c>1m</c>, <c>1h</c>, <c>1d</c>.</summary>
internal static class Durations
{
    public const string Form = "Write a number and a unit: 500ms, 15s, 1m, 1h, 1d.";

    private static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    private static readonly (string Name, TimeSpan Width)[] Units =
    [
        ("d", TimeSpan.FromDays(1)),
        ("h", TimeSpan.FromHours(1)),
        ("m", TimeSpan.FromMinutes(1)),
        ("s", TimeSpan.FromSeconds(1)),
        ("ms", TimeSpan.FromMilliseconds(1)),
    ];

    /// <returns><see langword="false"/> unless it is more than zero, and no more than 36,500 days.</returns>
    public static bool TryRead(string text, out TimeSpan duration)
    {
        duration = default;
        var digits = text.TakeWhile(char.IsAsciiDigit).Count();
        if (digits is 0 or > 9)
            return false;
        var width = Array.Find(Units, unit => unit.Name == text[digits..]).Width;
        var ticks = width.Ticks * (double)int.Parse(text.AsSpan(0, digits), CultureInfo.InvariantCulture);
        if (ticks <= 0 || ticks > Longest.Ticks)
            return false;
        duration = TimeSpan.FromTicks((long)ticks);
        return true;
    }

    /// <summary>Writes a duration in the largest unit it is a whole number of; what is left below a millisecond is left out.</summary>
    public static string Of(TimeSpan duration)
    {
        var (name, width) = Array.Find(Units, unit => duration.Ticks % unit.Width.Ticks == 0);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{(name is null ? (long)duration.TotalMilliseconds : duration.Ticks / width.Ticks)}{name ?? "ms"}"
        );
    }
}
