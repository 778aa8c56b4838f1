namespace Insa.Iiot;

/// <summary>Something that has happened, as other systems are told of it: the attributes are those of CloudEvents 1.0.</summary>
public sealed record PlatformEvent
{
    /// <summary>The longest id, and the longest type, in characters.</summary>
    public const int MaxNameLength = 128;

    /// <summary>The longest subject, and the longest content type, in characters.</summary>
    public const int MaxTextLength = 255;

    /// <summary>The most bytes of data.</summary>
    public const int MaxDataBytes = 64 * 1024;

    /// <summary>Whose event it is.</summary>
    public required TenantId Tenant { get; init; }

    /// <summary>What has happened, such as <c>insa.iiot.alarm.raised</c>: 1 to 128 characters of <c>A-Z a-z 0-9 . _ -</c>.</summary>
    public required string Type { get; init; }

    /// <summary>What it has happened to, such as a device: 1 to 255 characters, none of them a control character; or <see langword="null"/>.</summary>
    public string? Subject { get; init; }

    /// <summary>When it happened, UTC.</summary>
    public required DateTime Time { get; init; }

    /// <summary>What <see cref="Data"/> is, as a media type of 1 to 255 characters of ASCII; <see langword="null"/> if there is none.</summary>
    public string? DataContentType { get; init; }

    /// <summary>What is to be said of it, at most 64 KiB.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Names it for receivers, who drop one that comes again: 1 to 128 characters of ASCII without spaces; <see langword="null"/> to have one made.</summary>
    public string? Id { get; init; }
}
