using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Security;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Blockwise;

/// <summary>
/// Tells the bodies of a peer apart (RFC 7959 §2.5): a hash over its identity, whose request it is, the method, and the options that are part of the
/// cache key, with Request-Tag (RFC 9175 §3.3).
/// </summary>
/// <remarks>Half of the hash is kept: to find another with a given one takes 2^128 tries, and only those of one's own tenant and device can be chosen.</remarks>
internal readonly record struct BodyKey(UInt128 Hash)
{
    private const int IdentityLength = 18;
    private const int MaxSessionLength = 256;

    // An empty option is one byte on the wire, and two here.
    private const int MaxTextLength = IdentityLength + 1 + MaxSessionLength + (2 * UdpSocket.MaxDatagramBytes);

    /// <param name="peer">The peer.</param>
    /// <param name="session">Whose request it is: one address may have credentials of several devices.</param>
    /// <param name="message">The request.</param>
    public static BodyKey Of(in PeerAddress peer, DeviceSession? session, in CoapMessage message)
    {
        Span<byte> text = stackalloc byte[MaxTextLength];
        peer.WriteIdentity(text);
        text[IdentityLength] = message.Code.Value;
        var length = IdentityLength + 1;
        if (session is not null)
        {
            length += Encoding.ASCII.GetBytes(session.Tenant.Value, text[length..]);
            text[length++] = 0;
            length += Encoding.ASCII.GetBytes(session.Device.Value, text[length..]);
            text[length++] = 0;
        }

        var reader = new CoapOptionReader(message.Options);
        while (reader.Read())
        {
            if (!IsPart(reader.Number) || reader.Value.StartsWith(TokenText.Argument))
                continue;
            text[length++] = (byte)reader.Number;
            text[length++] = (byte)reader.Value.Length;
            reader.Value.CopyTo(text[length..]);
            length += reader.Value.Length;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..length], hash);
        return new BodyKey(BinaryPrimitives.ReadUInt128BigEndian(hash));
    }

    private static bool IsPart(int number) =>
        number is CoapOptionNumber.UriPath or CoapOptionNumber.UriQuery or CoapOptionNumber.Accept or CoapOptionNumber.RequestTag;
}
