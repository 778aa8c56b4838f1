using System.Collections.Concurrent;

namespace Insa.Iiot;

/// <summary>Interns the device ids of one tenant by their characters, so that a name that comes again costs no allocation. Bounded. Thread-safe.</summary>
internal sealed class DeviceNames
{
    private const int MaxNames = 100_000;

    private readonly ConcurrentDictionary<string, DeviceId> _names = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DeviceId>.AlternateLookup<ReadOnlySpan<char>> _byChars;
    private int _count;

    public DeviceNames() => _byChars = _names.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <returns><see langword="false"/> if it is not the name of a device.</returns>
    public bool TryFind(ReadOnlySpan<char> name, out DeviceId device)
    {
        if (_byChars.TryGetValue(name, out device))
            return true;
        if (!DeviceId.TryParse(name.ToString(), out device))
            return false;

        // Counted here, for the dictionary's own count takes all of its locks.
        if (Interlocked.Increment(ref _count) > MaxNames)
        {
            _names.Clear();
            Interlocked.Exchange(ref _count, 1);
        }

        _names.TryAdd(device.Value, device);
        return true;
    }
}
