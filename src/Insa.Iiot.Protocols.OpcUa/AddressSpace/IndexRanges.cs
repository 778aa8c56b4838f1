using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Reads index ranges as they lie in requests.</summary>
internal static class IndexRanges
{
    private const int LongestText = 256;

    /// <returns><see langword="false"/> for BadIndexRangeInvalid.</returns>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out NumericRange range)
    {
        range = default;
        if (utf8.IsEmpty)
            return true;
        Span<char> text = stackalloc char[LongestText];
        return System.Text.Encoding.UTF8.TryGetChars(utf8, text, out var length) && NumericRange.TryParse(text[..length], out range);
    }
}
