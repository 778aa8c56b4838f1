using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Insa.Iiot.Protocols.Coap.Transport;

/// <summary>Whom a message came from: an IP address and port, or a secured session, or a connection. A value, so that tables by peer cost no allocation.</summary>
internal readonly record struct PeerAddress
{
    private const ushort LinuxFamilyV4 = 2; // AF_INET
    private const ushort LinuxFamilyV6 = 10; // AF_INET6
    private const int LengthV4 = 16; // sizeof(sockaddr_in)
    private const int LengthV6 = 28; // sizeof(sockaddr_in6)

    private readonly ulong _high;
    private readonly ulong _low;
    private readonly uint _scope;
    private readonly ushort _port;
    private readonly Kind _kind;

    private PeerAddress(Kind kind, ulong high, ulong low, uint scope, ushort port) =>
        (_kind, _high, _low, _scope, _port) = (kind, high, low, scope, port);

    private enum Kind : byte
    {
        None,
        V4,
        V6,
        Session,
        Connection,
    }

    /// <summary>Whether no message from it can have come from elsewhere than this machine.</summary>
    public bool IsLoopback => _kind == Kind.V4 ? _low >> 24 == 127 : _kind == Kind.V6 && (_high, _low) is (0, 1);

    /// <summary>Whether it stands for a connection: a stream, on which nothing is lost, doubled or out of order.</summary>
    public bool IsConnection => _kind == Kind.Connection;

    /// <summary>Stands for a connection.</summary>
    public static PeerAddress OfConnection(long id) => new(Kind.Connection, 0, (ulong)id, 0, 0);

    /// <summary>Stands for a secured session, whatever address it has at the moment.</summary>
    public static PeerAddress OfSession(long id) => new(Kind.Session, 0, (ulong)id, 0, 0);

    /// <summary>Reads a socket's address: <c>sockaddr_in</c> or <c>sockaddr_in6</c>.</summary>
    public static PeerAddress From(SocketAddress address) =>
        FromSocketAddress(address.Buffer.Span[..address.Size], address.Family == AddressFamily.InterNetworkV6);

    public static PeerAddress From(IPEndPoint endpoint) => From(endpoint.Serialize());

    /// <summary>Reads a socket's address as Linux lays it out.</summary>
    public static PeerAddress FromSocketAddress(ReadOnlySpan<byte> bytes) =>
        FromSocketAddress(bytes, BinaryPrimitives.ReadUInt16LittleEndian(bytes) == LinuxFamilyV6);

    /// <summary>Writes it where <paramref name="address"/> is of its family.</summary>
    public void WriteTo(SocketAddress address) => WriteBody(address.Buffer.Span);

    /// <summary>Writes it as Linux lays it out.</summary>
    /// <returns>How many bytes it takes.</returns>
    public int WriteSocketAddress(Span<byte> bytes, AddressFamily family)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, family == AddressFamily.InterNetwork ? LinuxFamilyV4 : LinuxFamilyV6);
        WriteBody(bytes);
        return family == AddressFamily.InterNetwork ? LengthV4 : LengthV6;
    }

    private static PeerAddress FromSocketAddress(ReadOnlySpan<byte> bytes, bool isV6)
    {
        var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (!isV6)
            return new PeerAddress(Kind.V4, 0, BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]), 0, port);
        return new PeerAddress(
            Kind.V6,
            BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]),
            port
        );
    }

    // What follows the family, which is the same on all systems.
    private void WriteBody(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], _port);
        if (_kind == Kind.V4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], (uint)_low);
            return;
        }

        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _high);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], _low);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[24..], _scope);
    }

    /// <summary>Writes what tells it from others, 16 + 2 bytes: for a MAC over it.</summary>
    public void WriteIdentity(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _high);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _low);
        BinaryPrimitives.WriteUInt16BigEndian(destination[16..], _port);
    }

    public override string ToString() =>
        _kind switch
        {
            Kind.V4 => $"{_low >> 24}.{(_low >> 16) & 255}.{(_low >> 8) & 255}.{_low & 255}:{_port}",
            Kind.V6 => $"[{_high:x}:{_low:x}]:{_port}",
            Kind.Session => $"session {_low}",
            Kind.Connection => $"connection {_low}",
            _ => "none",
        };
}
