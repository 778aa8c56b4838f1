using System.Collections.Concurrent;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>
/// Devices by name, in two generations: when the younger is full it becomes the elder, and the elder is forgotten, but for what was asked for since.
/// Thread-safe.
/// </summary>
/// <param name="capacity">How many each generation holds.</param>
internal sealed class DeviceCache(int capacity)
{
    private readonly Lock _sync = new();
    private volatile ConcurrentDictionary<string, KnownDevice> _young = new(StringComparer.Ordinal);
    private volatile ConcurrentDictionary<string, KnownDevice> _old = new(StringComparer.Ordinal);
    private int _count;

    public bool TryFind(ReadOnlySpan<char> name, out KnownDevice known)
    {
        if (_young.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out known!))
            return true;
        if (!_old.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out known!))
            return false;
        Set(name.ToString(), known);
        return true;
    }

    public void Set(string name, KnownDevice known)
    {
        lock (_sync)
        {
            if (_young.TryAdd(name, known))
                _count++;
            else
                _young[name] = known;
            if (_count < capacity)
                return;
            _old = _young;
            _young = new ConcurrentDictionary<string, KnownDevice>(StringComparer.Ordinal);
            _count = 0;
        }
    }

    public void Remove(string name)
    {
        lock (_sync)
        {
            _old.TryRemove(name, out _);
            if (_young.TryRemove(name, out _))
                _count--;
        }
    }
}
