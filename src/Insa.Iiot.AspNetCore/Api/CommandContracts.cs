using System.ComponentModel;
using Insa.Iiot.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore.Api;

/// <summary>Commands to devices.</summary>
internal static class CommandContracts
{
    internal sealed record Command(
        [property: Description("Numbers the device's commands, as the device sees it.")] long Id,
        string Name,
        [property: Description("The arguments: any JSON; null for none.")] InlineJson? Data,
        [property: Description("Whether it stays open until the device has answered it.")] bool NeedsAnswer,
        [property: Description("waiting, delivered, succeeded, failed, expired or cancelled")] string State,
        DateTime CreatedAt,
        [property: Description("When it is too late.")] DateTime ExpiresAt,
        [property: Description("When the device first confirmed that it has it.")] DateTime? DeliveredAt,
        [property: Description("When it came to its end.")] DateTime? ClosedAt,
        [property: Description("What the device has answered.")] CommandAnswer? Answer
    );

    [Description("What a device has answered, in one of data, text and base64; in none if it is empty.")]
    internal sealed record CommandAnswer(
        [property: Description("The media type, if the device says it.")] string? ContentType,
        [property: Description("If it is JSON: any JSON.")] InlineJson? Data,
        [property: Description("If it is other text.")] string? Text,
        [property: Description("If it is anything else: the bytes as base64.")] string? Base64
    );

    internal sealed record NewCommand(
        [property: Description("What is to be done, such as open-valve: 1 to 128 characters, no control characters.")] string Name,
        [property: Description("The arguments: any JSON of at most 16 KiB, nested at most 15 deep; null for none.")]
            InlineJson? Data = null,
        [property: Description("Whether it stays open until the device has answered it.")] bool NeedsAnswer = false,
        [property: Description("How long the device has: a number and a unit, 1s to 30d.")] string Lifetime = "1d"
    );
}
