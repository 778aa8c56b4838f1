using System.Text;

namespace Insa.Iiot.Protocols.Coap.Resources;

/// <summary>Writes links (RFC 6690), those that a query asks for.</summary>
internal static class LinkFormat
{
    /// <param name="links">Paths without a slash in front, with their attributes.</param>
    /// <param name="queries">The arguments of the query: a link must match each (RFC 6690 §4.1).</param>
    public static byte[] Write(
        IEnumerable<(string Path, IEnumerable<KeyValuePair<string, string>> Attributes)> links,
        IReadOnlyList<string> queries
    )
    {
        var text = new StringBuilder();
        foreach (var (path, attributes) in links)
        {
            if (!Matches(path, attributes, queries))
                continue;
            text.Append(text.Length > 0 ? "," : "").Append("</").Append(path).Append('>');
            foreach (var (name, value) in attributes)
                Append(text.Append(';').Append(name), name, value);
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Append(StringBuilder text, string name, string value)
    {
        if (value.Length == 0)
            return;

        // A single number may stand bare (RFC 6690 §2); all else is quoted, and cannot end its quotes.
        var isBare = name is "ct" or "sz" && value.All(char.IsAsciiDigit);
        if (isBare)
            text.Append('=').Append(value);
        else
            text.Append("=\"")
                .Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal))
                .Append('"');
    }

    private static bool Matches(string path, IEnumerable<KeyValuePair<string, string>> attributes, IReadOnlyList<string> queries)
    {
        foreach (var query in queries)
        {
            var equals = query.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                continue;
            var name = query[..equals];
            var wanted = query.AsSpan(equals + 1);
            var isMatch =
                name == "href"
                    ? IsMatch("/" + path, wanted)
                    : attributes.Any(attribute =>
                        attribute.Key == name && attribute.Value.Split(' ').Any(value => IsMatch(value, query.AsSpan(equals + 1)))
                    );
            if (!isMatch)
                return false;
        }

        return true;
    }

    private static bool IsMatch(string value, ReadOnlySpan<char> wanted) =>
        wanted.EndsWith("*") ? value.StartsWith(wanted[..^1], StringComparison.Ordinal) : wanted.SequenceEqual(value);
}
