using System.Globalization;

namespace Insa.Iiot.Protocols.Mqtt.Messaging;

/// <summary>Where commands come by, <c>commands/{id}</c>, and where they are answered: <c>responses/{id}</c>, <c>responses/{id}/failed</c>.</summary>
internal static class CommandTopics
{
    /// <summary>Whether a filter matches the commands of all ids: <c>commands/#</c>, <c>commands/+</c>, <c>#</c> and the like. There are seven of them.</summary>
    public static bool TakesCommands(string filter) =>
        filter.Split('/') switch
        {
            ["#"] => true,
            ["commands" or "+", "#" or "+"] => true,
            ["+", "+", "#"] or ["commands", "+", "#"] => true,
            _ => false,
        };

    public static string CommandOf(long id) => string.Create(CultureInfo.InvariantCulture, $"commands/{id}");

    public static string AnswerTo(long id) => string.Create(CultureInfo.InvariantCulture, $"responses/{id}");

    /// <returns><see langword="false"/> for any other topic.</returns>
    public static bool TryReadAnswer(ReadOnlySpan<byte> topic, out long id, out bool isFailed)
    {
        id = 0;
        isFailed = false;
        if (!topic.StartsWith("responses/"u8))
            return false;
        var rest = topic["responses/"u8.Length..];
        isFailed = rest.EndsWith("/failed"u8);
        if (isFailed)
            rest = rest[..^"/failed"u8.Length];
        return long.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out id);
    }
}
