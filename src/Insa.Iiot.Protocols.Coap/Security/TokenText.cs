using System.Text;

namespace Insa.Iiot.Protocols.Coap.Security;

/// <summary>A token of plain CoAP: <c>device@tenant:secret</c>, as the argument <c>token</c> of the query.</summary>
internal static class TokenText
{
    public static ReadOnlySpan<byte> Argument => "token="u8;

    /// <returns><see langword="null"/> if it is not of that form.</returns>
    public static DeviceCredential? ToCredential(ReadOnlySpan<byte> token)
    {
        // A device's id may have a colon, a tenant's may not.
        var at = token.IndexOf((byte)'@');
        var colon = at < 0 ? -1 : token[at..].IndexOf((byte)':');
        if (colon < 0)
            return null;
        var userName = token[..(at + colon)];
        return DeviceCredential.FromPassword(Encoding.UTF8.GetString(userName), token[(userName.Length + 1)..].ToArray());
    }
}
