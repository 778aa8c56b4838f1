namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>How much of its limits a tenant uses.</summary>
internal sealed class TenantUsage
{
    private int _subscriptions;
    private int _items;
    private int _eventItems;
    private uint _everCreated;

    public int Subscriptions => Volatile.Read(ref _subscriptions);

    /// <summary>How many subscriptions there have been.</summary>
    public uint EverCreated => Volatile.Read(ref _everCreated);

    public int Items => Volatile.Read(ref _items);

    public bool TryAddSubscription(int most)
    {
        if (!TryAdd(ref _subscriptions, most))
            return false;
        Interlocked.Increment(ref _everCreated);
        return true;
    }

    public bool TryAddItem(int most) => TryAdd(ref _items, most);

    public bool TryAddEventItem(int most) => TryAdd(ref _eventItems, most);

    public void RemoveEventItems(int count) => Interlocked.Add(ref _eventItems, -count);

    public void RemoveSubscription() => Interlocked.Decrement(ref _subscriptions);

    public void RemoveItems(int count) => Interlocked.Add(ref _items, -count);

    /// <summary>Counts those that there are as all that there have been.</summary>
    public void ResetCount() => Volatile.Write(ref _everCreated, (uint)Subscriptions);

    private static bool TryAdd(ref int used, int most)
    {
        if (Interlocked.Increment(ref used) <= most)
            return true;
        Interlocked.Decrement(ref used);
        return false;
    }
}
