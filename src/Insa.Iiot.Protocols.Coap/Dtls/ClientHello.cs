using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>A ClientHello as it lies in its datagram (RFC 6347 §4.3.2): enough to turn away what is none before anything is spent on it.</summary>
internal readonly ref struct ClientHello
{
    private const int MessageHeaderLength = 12;
    private const int VersionLength = 2;
    private const int RandomLength = 32;
    private const byte ClientHelloType = 1;

    private ClientHello(ReadOnlySpan<byte> random, ReadOnlySpan<byte> cookie)
    {
        Random = random;
        Cookie = cookie;
    }

    /// <summary>What tells this client's attempt from others.</summary>
    public ReadOnlySpan<byte> Random { get; }

    public ReadOnlySpan<byte> Cookie { get; }

    /// <summary>Whether a datagram may be one; <see cref="TryRead"/> looks closer.</summary>
    public static bool Starts(ReadOnlySpan<byte> datagram) =>
        datagram.Length > DtlsRecord.HeaderLength
        && datagram[0] == (byte)DtlsContentType.Handshake
        && datagram[DtlsRecord.HeaderLength] == ClientHelloType
        && BinaryPrimitives.ReadUInt16BigEndian(datagram[3..]) == 0;

    /// <returns><see langword="false"/> for anything but one whole and well-formed ClientHello, alone in its datagram.</returns>
    public static bool TryRead(ReadOnlySpan<byte> datagram, out ClientHello hello)
    {
        hello = default;
        if (!DtlsRecord.TryRead(ref datagram, 0, out var record) || !datagram.IsEmpty)
            return false;
        var message = record.Body;
        if (record.Type != DtlsContentType.Handshake || record.Epoch != 0 || message.Length < MessageHeaderLength)
            return false;

        // No fragments: a client that has no cookie yet has nothing to say that would need them.
        var length = message.Length - MessageHeaderLength;
        if (message[0] != ClientHelloType || ReadUInt24(message[1..]) != length || ReadUInt24(message[6..]) != 0)
            return false;
        var rest = message[MessageHeaderLength..];
        if (rest.Length < VersionLength + RandomLength)
            return false;
        var random = rest.Slice(VersionLength, RandomLength);
        rest = rest[(VersionLength + RandomLength)..];
        if (
            !TryTake(ref rest, 1, out var session)
            || session.Length > 32
            || !TryTake(ref rest, 1, out var cookie)
            || !TryTake(ref rest, 2, out var suites)
            || suites.IsEmpty
            || suites.Length % 2 != 0
            || !TryTake(ref rest, 1, out var compression)
            || compression.IsEmpty
            || !AreExtensions(rest)
        )
            return false;
        hello = new ClientHello(random, cookie);
        return true;
    }

    private static bool AreExtensions(ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty)
            return true;
        if (!TryTake(ref rest, 2, out var extensions) || !rest.IsEmpty)
            return false;
        while (!extensions.IsEmpty)
        {
            if (extensions.Length < 2)
                return false;
            extensions = extensions[2..];
            if (!TryTake(ref extensions, 2, out _))
                return false;
        }

        return true;
    }

    private static bool TryTake(scoped ref ReadOnlySpan<byte> rest, int lengthBytes, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (rest.Length < lengthBytes)
            return false;
        var length = lengthBytes == 1 ? rest[0] : BinaryPrimitives.ReadUInt16BigEndian(rest);
        if (rest.Length - lengthBytes < length)
            return false;
        value = rest.Slice(lengthBytes, length);
        rest = rest[(lengthBytes + length)..];
        return true;
    }

    private static int ReadUInt24(ReadOnlySpan<byte> bytes) => (bytes[0] << 16) | BinaryPrimitives.ReadUInt16BigEndian(bytes[1..]);
}
