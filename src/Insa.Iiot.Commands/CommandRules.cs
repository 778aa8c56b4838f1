using System.Text.Json;
using System.Text.Unicode;

namespace Insa.Iiot.Commands;

/// <summary>What a command and an answer may be.</summary>
internal static class CommandRules
{
    private const int MaxContentTypeLength = 128;
    private const int MaxDepth = 32;
    private static readonly TimeSpan MinLifetime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(30);

    public static void Check(DeviceCommandRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Name is not { Length: > 0 and <= DeviceCommandRequest.MaxNameLength } || request.Name.Any(char.IsControl))
            throw Bad(nameof(request), "A command's name is 1 to 128 characters, none of them a control character.");
        if (request.Data.Length > DeviceCommandRequest.MaxDataBytes || !IsJson(request.Data.Span))
            throw Bad(nameof(request), "A command's data is one JSON value of at most 16 KiB, nested at most 32 deep, or empty.");
        if (request.Lifetime < MinLifetime || request.Lifetime > MaxLifetime)
            throw Bad(nameof(request), "A command's lifetime is 1 s to 30 days.");
    }

    public static void Check(DeviceCommandAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        if (answer.Data.Length > DeviceCommandAnswer.MaxDataBytes)
            throw Bad(nameof(answer), "An answer's data is at most 16 KiB.");
        if (answer.ContentType is { } type && (type.Length is 0 or > MaxContentTypeLength || !type.All(c => c is >= ' ' and <= '~')))
            throw Bad(nameof(answer), "An answer's content type is 1 to 128 characters of ASCII.");
    }

    private static ArgumentException Bad(string parameter, string message) => new(message, parameter);

    private static bool IsJson(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
            return true;
        if (!Utf8.IsValid(data))
            return false;
        try
        {
            var reader = new Utf8JsonReader(data, new JsonReaderOptions { MaxDepth = MaxDepth });
            while (reader.Read())
            {
                // Half of a surrogate pair is JSON, and no text: not every format can say it.
                if (reader.ValueIsEscaped)
                    reader.GetString();
            }

            return reader.TokenType != JsonTokenType.None;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
