using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Insa.Iiot.Tenancy;

/// <summary>
/// How many units may come in how many seconds, as text <c>1000:1,20000:60</c>: 1,000 in one second and 20,000 in 60 seconds, both of which
/// hold. One to four windows; each of 1 to 31 days' seconds, and of at most 10,000,000 units a second on average.
/// </summary>
public sealed class RateLimit : IEquatable<RateLimit>
{
    private const int MaxWindows = 4;
    private const int MaxSeconds = 31 * 24 * 60 * 60;
    private const long MaxUnitsPerSecond = 10_000_000;

    private readonly string _text;

    private RateLimit(RateWindow[] windows)
    {
        Windows = windows;
        _text = string.Join(',', windows.Select(window => string.Create(CultureInfo.InvariantCulture, $"{window.Units}:{window.Seconds}")));
    }

    /// <summary>The windows, as they were written.</summary>
    public IReadOnlyList<RateWindow> Windows { get; }

    /// <summary>Reads a limit.</summary>
    /// <exception cref="FormatException"><paramref name="text"/> is not one.</exception>
    public static RateLimit Parse(string text) =>
        TryParse(text, out var limit)
            ? limit
            : throw new FormatException($"A rate is written as units:seconds, such as '1000:1,20000:60', not as '{text}'.");

    /// <summary>Reads a limit.</summary>
    /// <returns><see langword="false"/> if <paramref name="text"/> is not one.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out RateLimit? limit)
    {
        limit = null;
        if (string.IsNullOrEmpty(text))
            return false;
        var parts = text.Split(',');
        if (parts.Length > MaxWindows)
            return false;
        var windows = new RateWindow[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!TryParse(parts[i], out windows[i]))
                return false;
        }

        limit = new RateLimit(windows);
        return true;
    }

    /// <inheritdoc />
    public bool Equals(RateLimit? other) => other is not null && _text == other._text;

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as RateLimit);

    /// <inheritdoc />
    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <returns>The limit as text, which <see cref="Parse"/> reads.</returns>
    public override string ToString() => _text;

    private static bool TryParse(ReadOnlySpan<char> text, out RateWindow window)
    {
        window = default;
        var colon = text.IndexOf(':');
        if (
            colon < 0
            || !long.TryParse(text[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out var units)
            || !int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || seconds is < 1 or > MaxSeconds
            || units < 1
            || units > MaxUnitsPerSecond * seconds
        )
            return false;
        window = new RateWindow(units, seconds);
        return true;
    }
}
