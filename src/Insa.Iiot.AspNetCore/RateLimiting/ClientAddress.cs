using System.Net;
using System.Net.Sockets;

namespace Insa.Iiot.AspNetCore.RateLimiting;

/// <summary>Whom a request comes from, for limits: an IPv4 address, or the /64 of an IPv6 address, which one client may have all of.</summary>
internal readonly record struct ClientAddress(UInt128 Number)
{
    public static ClientAddress Of(IPAddress? address)
    {
        if (address is null)
            return default;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out _);
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            bytes[8..].Clear();
        return new ClientAddress(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }
}
