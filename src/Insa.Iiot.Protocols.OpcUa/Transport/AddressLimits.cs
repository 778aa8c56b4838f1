using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>
/// Takes no more connections of one remote address than there may be, and no faster than they may come: who has one machine cannot take the server's places and
/// its key's time from all others. Of IPv6 the first half is the address, for who has one of those has all the rest. Thread-safe.
/// </summary>
internal sealed class AddressLimits(int mostConnections, int mostPerSecond, TimeProvider time)
{
    // So much at once, after a pause.
    private const int BurstSeconds = 2;

    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, Entry> _entries = [];
    private readonly double _burst = (double)mostPerSecond * BurstSeconds;

    /// <summary>The addresses that are known: those with connections, and for a moment those that have had some.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _entries.Count;
        }
    }

    /// <summary>Takes a connection's place, which <see cref="Leave"/> gives back.</summary>
    /// <param name="address">Where it comes from; <see langword="null"/> if it comes by no network, and then it is not limited.</param>
    /// <returns><see langword="false"/> if there is none.</returns>
    public bool TryEnter(IPAddress? address)
    {
        if (address is null)
            return true;
        var now = time.GetTimestamp();
        lock (_lock)
        {
            var key = KeyOf(address);
            var entry = _entries.TryGetValue(key, out var found) ? Refill(found, now) : new Entry(0, _burst, now);
            var isTaken = entry.Connections < mostConnections && entry.Tokens >= 1;
            _entries[key] = isTaken ? entry with { Connections = entry.Connections + 1, Tokens = entry.Tokens - 1 } : entry;
            return isTaken;
        }
    }

    public void Leave(IPAddress? address)
    {
        if (address is null)
            return;
        lock (_lock)
        {
            var key = KeyOf(address);
            var entry = _entries[key];
            _entries[key] = entry with { Connections = entry.Connections - 1 };
        }
    }

    /// <summary>Forgets addresses of which there is nothing to be known any more. Called from time to time.</summary>
    public void Sweep()
    {
        var now = time.GetTimestamp();
        lock (_lock)
        {
            foreach (var (key, entry) in _entries)
            {
                if (entry.Connections == 0 && Refill(entry, now).Tokens >= _burst)
                    _entries.Remove(key);
            }
        }
    }

    private Entry Refill(in Entry entry, long now)
    {
        var tokens = Math.Min(_burst, entry.Tokens + time.GetElapsedTime(entry.At, now).TotalSeconds * mostPerSecond);
        return entry with { Tokens = tokens, At = now };
    }

    private static UInt128 KeyOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out _);

        // No address of IPv6 has a first half of 0 but those of this machine, which are one.
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? new UInt128(BinaryPrimitives.ReadUInt64BigEndian(bytes), 0)
            : new UInt128(0, BinaryPrimitives.ReadUInt32BigEndian(bytes));
    }

    private readonly record struct Entry(int Connections, double Tokens, long At);
}
