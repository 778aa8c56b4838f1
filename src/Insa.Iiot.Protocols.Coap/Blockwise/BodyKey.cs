using System.Text;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Security;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Blockwise;

/// <summary>Tells the bodies of a peer apart (RFC 7959 §2.5): its identity, whose request it is, the method, and the options that are part of the cache key, with Request-Tag (RFC 9175 §3.3).</summary>
internal static class BodyKey
{
    public const int MaxLength = 24 + MaxSessionLength + UdpSocket.MaxDatagramBytes;

    private const int MaxSessionLength = 256;

    private const int IdentityLength = 18;

    /// <param name="peer">The peer.</param>
    /// <param name="session">Whose request it is: one address may have credentials of several devices.</param>
    /// <param name="message">The request.</param>
    /// <param name="destination">Takes at most <see cref="MaxLength"/> bytes.</param>
    /// <returns>How many bytes of <paramref name="destination"/> it takes.</returns>
    public static int Write(in PeerAddress peer, DeviceSession? session, in CoapMessage message, Span<byte> destination)
    {
        peer.WriteIdentity(destination);
        destination[IdentityLength] = message.Code.Value;
        var length = IdentityLength + 1;
        if (session is not null)
        {
            length += Encoding.ASCII.GetBytes(session.Tenant.Value, destination[length..]);
            destination[length++] = 0;
            length += Encoding.ASCII.GetBytes(session.Device.Value, destination[length..]);
            destination[length++] = 0;
        }

        var reader = new CoapOptionReader(message.Options);
        while (reader.Read())
        {
            if (!IsPart(reader.Number) || reader.Value.StartsWith(TokenText.Argument))
                continue;
            destination[length++] = (byte)reader.Number;
            destination[length++] = (byte)reader.Value.Length;
            reader.Value.CopyTo(destination[length..]);
            length += reader.Value.Length;
        }

        return length;
    }

    private static bool IsPart(int number) =>
        number is CoapOptionNumber.UriPath or CoapOptionNumber.UriQuery or CoapOptionNumber.Accept or CoapOptionNumber.RequestTag;
}
