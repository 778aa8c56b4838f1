using System.Diagnostics.CodeAnalysis;

namespace Insa.Iiot;

/// <summary>Names a tenant: 1 to 63 characters of <c>a-z 0-9 -</c>, not starting or ending with <c>-</c>, compared ordinally.</summary>
public readonly record struct TenantId
{
    /// <summary>The longest tenant id, in characters.</summary>
    public const int MaxLength = 63;

    private readonly string? _value;

    private TenantId(string value) => _value = value;

    /// <summary>The id as text.</summary>
    /// <exception cref="InvalidOperationException">This is <see langword="default"/>, which names no tenant.</exception>
    public string Value => _value ?? throw new InvalidOperationException("A default TenantId names no tenant.");

    /// <summary>Whether this names a tenant; <see langword="false"/> only for <see langword="default"/>.</summary>
    public bool IsSpecified => _value is not null;

    /// <summary>Reads a tenant id.</summary>
    /// <exception cref="FormatException"><paramref name="text"/> is not a valid id.</exception>
    public static TenantId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException("A tenant id is 1 to 63 characters of a-z, 0-9 and '-'.");

    /// <summary>Reads a tenant id.</summary>
    /// <returns><see langword="false"/> if <paramref name="text"/> is not a valid id.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out TenantId id)
    {
        id = default;
        if (text is null || !IsValid(text))
            return false;
        id = new TenantId(text);
        return true;
    }

    /// <returns>The id as text, or an empty string for <see langword="default"/>.</returns>
    public override string ToString() => _value ?? "";

    private static bool IsValid(string text)
    {
        if (text.Length is 0 or > MaxLength || text[0] == '-' || text[^1] == '-')
            return false;
        foreach (var c in text)
        {
            if (c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '-'))
                return false;
        }

        return true;
    }
}
