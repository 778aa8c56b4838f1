using System.Diagnostics.CodeAnalysis;

namespace Insa.Iiot;

/// <summary>Names a device within its tenant: 1 to 128 characters of <c>A-Z a-z 0-9 . _ : -</c>, compared ordinally.</summary>
/// <remarks>The characters are ASCII, so an id has as many bytes in UTF-8 as characters, and none is special in an MQTT topic, a URI path or an e-mail-like user name.</remarks>
public readonly record struct DeviceId
{
    /// <summary>The longest device id, in characters.</summary>
    public const int MaxLength = 128;

    private readonly string? _value;

    private DeviceId(string value) => _value = value;

    /// <summary>The id as text.</summary>
    /// <exception cref="InvalidOperationException">This is <see langword="default"/>, which names no device.</exception>
    public string Value => _value ?? throw new InvalidOperationException("A default DeviceId names no device.");

    /// <summary>Whether this names a device; <see langword="false"/> only for <see langword="default"/>.</summary>
    public bool IsSpecified => _value is not null;

    /// <summary>Reads a device id.</summary>
    /// <exception cref="FormatException"><paramref name="text"/> is not a valid id.</exception>
    public static DeviceId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException("A device id is 1 to 128 characters of A-Z, a-z, 0-9 and '. _ : -'.");

    /// <summary>Reads a device id.</summary>
    /// <returns><see langword="false"/> if <paramref name="text"/> is not a valid id.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out DeviceId id)
    {
        id = default;
        if (text is null || !IsValid(text))
            return false;
        id = new DeviceId(text);
        return true;
    }

    /// <returns>The id as text, or an empty string for <see langword="default"/>.</returns>
    public override string ToString() => _value ?? "";

    private static bool IsValid(string text)
    {
        if (text.Length is 0 or > MaxLength)
            return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or ':' or '-'))
                return false;
        }

        return true;
    }
}
