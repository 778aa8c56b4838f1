using System.Text;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>Takes the path and query of a URI apart (RFC 7252 §6.4).</summary>
internal static class RequestPath
{
    public const int MaxPartBytes = 255;

    /// <exception cref="ArgumentException">A part exceeds 255 bytes.</exception>
    public static (List<string> Segments, List<string> Query) Parse(string path)
    {
        var mark = path.IndexOf('?', StringComparison.Ordinal);
        var query = mark < 0 ? "" : path[(mark + 1)..];
        path = (mark < 0 ? path : path[..mark]).TrimStart('/');
        return (Split(path, '/'), Split(query, '&'));
    }

    private static List<string> Split(string text, char separator)
    {
        if (text.Length == 0)
            return [];
        var parts = text.Split(separator).Select(Uri.UnescapeDataString).ToList();
        foreach (var part in parts)
            Check(part);
        return parts;
    }

    /// <exception cref="ArgumentException">It exceeds 255 bytes.</exception>
    public static void Check(string part)
    {
        if (Encoding.UTF8.GetByteCount(part) > MaxPartBytes)
            throw new ArgumentException($"A part of a path or query has up to {MaxPartBytes} bytes of UTF-8.", nameof(part));
    }
}
