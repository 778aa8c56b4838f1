namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>Text for people, in a locale (Part 3 §8.5).</summary>
internal readonly record struct LocalizedText(string? Locale, string? Text);
