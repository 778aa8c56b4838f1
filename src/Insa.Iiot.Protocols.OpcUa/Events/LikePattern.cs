using System.Diagnostics.CodeAnalysis;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>
/// A pattern of the operator Like (OPC 10000-4 §7.7.3): <c>%</c> any text, <c>_</c> any character, <c>\</c> the next character as it is, <c>[abc]</c>, <c>[a-z]</c> and
/// <c>[^a]</c> one of those or none of them. Case counts.
/// </summary>
internal sealed class LikePattern
{
    private const int Longest = 1024;

    private readonly Token[] _tokens;

    private LikePattern(Token[] tokens) => _tokens = tokens;

    /// <returns><see langword="false"/> if it is too long, or a list in it does not end.</returns>
    public static bool TryParse(string text, [MaybeNullWhen(false)] out LikePattern pattern)
    {
        pattern = null;
        if (text.Length > Longest)
            return false;
        var tokens = new List<Token>();
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '%':
                    tokens.Add(new Token(IsAnyText: true));
                    break;
                case '_':
                    tokens.Add(new Token(IsAnyText: false));
                    break;
                case '\\' when i + 1 < text.Length:
                    tokens.Add(new Token(false, text[++i].ToString()));
                    break;
                case '[':
                    var end = text.IndexOf(']', i + 1);
                    if (end < 0)
                        return false;
                    tokens.Add(ParseList(text[(i + 1)..end]));
                    i = end;
                    break;
                default:
                    tokens.Add(new Token(false, text[i].ToString()));
                    break;
            }
        }

        pattern = new LikePattern([.. tokens]);
        return true;
    }

    // After a mismatch only the last % takes one character more: what came before it has matched as early as it can.
    public bool Matches(string text)
    {
        var (token, at) = (0, 0);
        var (lastAny, resume) = (-1, 0);
        while (at < text.Length)
        {
            if (token < _tokens.Length && _tokens[token].IsAnyText)
            {
                (lastAny, resume) = (token++, at);
            }
            else if (token < _tokens.Length && _tokens[token].Takes(text[at]))
            {
                token++;
                at++;
            }
            else if (lastAny >= 0)
            {
                token = lastAny + 1;
                at = ++resume;
            }
            else
            {
                return false;
            }
        }

        while (token < _tokens.Length && _tokens[token].IsAnyText)
            token++;
        return token == _tokens.Length;
    }

    private static Token ParseList(string list) =>
        list.StartsWith('^') ? new Token(false, list[1..], IsNegated: true) : new Token(false, list);

    private readonly record struct Token(bool IsAnyText, string? List = null, bool IsNegated = false)
    {
        public bool Takes(char c) => List is null || IsListed(c) != IsNegated;

        private bool IsListed(char c)
        {
            for (var i = 0; i < List!.Length; i++)
            {
                if (i + 2 < List.Length && List[i + 1] == '-')
                {
                    if (c >= List[i] && c <= List[i + 2])
                        return true;
                    i += 2;
                }
                else if (c == List[i])
                {
                    return true;
                }
            }

            return false;
        }
    }
}
