using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>
/// How a device and the server come to the same context. A key id has 7 bytes at most (RFC 8613 §3.3), too few for a device's id: the ID context
/// names the device, and all devices have the same short key id.
/// </summary>
internal static class OscoreIdentity
{
    public const int SecretBytes = HMACSHA256.HashSizeInBytes;

    /// <summary>The sender id of every device.</summary>
    public static ReadOnlySpan<byte> ClientId => [1];

    /// <summary>The sender id of the server.</summary>
    public static ReadOnlySpan<byte> ServerId => [2];

    /// <summary>The master secret: not the pre-shared key itself, as that is used by DTLS as well.</summary>
    public static byte[] ToMasterSecret(ReadOnlySpan<byte> psk) => HMACSHA256.HashData(psk, "Insa.Iiot OSCORE"u8);

    /// <summary>The ID context: <c>device@tenant</c>.</summary>
    public static byte[] ToIdContext(string identity) => Encoding.UTF8.GetBytes(identity);

    /// <returns><see langword="false"/> if no device can be named so.</returns>
    public static bool TryRead(ReadOnlySpan<byte> idContext, [NotNullWhen(true)] out string? identity)
    {
        identity = null;
        if (idContext.Length is 0 or > OscoreKeys.MaxIdContextBytes || !Ascii.IsValid(idContext))
            return false;
        identity = Encoding.ASCII.GetString(idContext);
        return DeviceCredential.TrySplitUserName(identity, out _, out _);
    }
}
