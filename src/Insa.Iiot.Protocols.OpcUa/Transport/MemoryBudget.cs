namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>What all connections together may hold in buffers that grow with what peers do. Thread-safe.</summary>
internal sealed class MemoryBudget(long bytes)
{
    private long _free = bytes;

    public long Free => Volatile.Read(ref _free);

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _free, -bytes) >= 0)
            return true;
        Interlocked.Add(ref _free, bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _free, bytes);
}
