using System.Buffers.Binary;
using System.Security.Cryptography;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Security;

/// <summary>Shows that a peer receives what is sent to its address (RFC 9175 §2.3), and keeps nothing for it: a MAC over the time and the address.</summary>
internal sealed class EchoChallenge
{
    public const int Length = 8;

    private const int TimeLength = 2;
    private const int UnitSeconds = 16;
    private const int LifetimeUnits = 4;
    private const int IdentityLength = 18;

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    /// <param name="peer">The peer.</param>
    /// <param name="seconds">The time, by a clock that never goes back.</param>
    /// <param name="destination">Takes <see cref="Length"/> bytes.</param>
    public void Write(in PeerAddress peer, long seconds, Span<byte> destination) =>
        Write(peer, (ushort)(seconds / UnitSeconds), destination);

    /// <summary>Whether a value was made for this peer, not long ago.</summary>
    public bool IsFresh(in PeerAddress peer, long seconds, ReadOnlySpan<byte> value)
    {
        if (value.Length != Length)
            return false;
        var unit = BinaryPrimitives.ReadUInt16BigEndian(value);
        Span<byte> expected = stackalloc byte[Length];
        Write(peer, unit, expected);
        return (ushort)(seconds / UnitSeconds - unit) <= LifetimeUnits && CryptographicOperations.FixedTimeEquals(expected, value);
    }

    private void Write(in PeerAddress peer, ushort unit, Span<byte> destination)
    {
        Span<byte> text = stackalloc byte[TimeLength + IdentityLength];
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt16BigEndian(text, unit);
        peer.WriteIdentity(text[TimeLength..]);
        HMACSHA256.HashData(_key, text, mac);
        BinaryPrimitives.WriteUInt16BigEndian(destination, unit);
        mac[..(Length - TimeLength)].CopyTo(destination[TimeLength..]);
    }
}
