namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>Lets so many handshakes compute at once. Who waits for something else leaves meanwhile.</summary>
internal sealed class CpuGate(int places)
{
    private readonly object _lock = new();
    private int _free = places;

    public void Enter()
    {
        lock (_lock)
        {
            while (_free == 0)
                Monitor.Wait(_lock);
            _free--;
        }
    }

    public void Leave()
    {
        lock (_lock)
        {
            _free++;
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Waits for a task outside the gate. For a handshake's own thread, which has nothing else to do.</summary>
    public T Await<T>(ValueTask<T> pending)
    {
        if (pending.IsCompleted)
            return pending.GetAwaiter().GetResult();
        Leave();
        try
        {
            // BouncyCastle asks for the answer on this thread, which is the handshake's own: nobody else waits for it.
            return pending.AsTask().GetAwaiter().GetResult();
        }
        finally
        {
            Enter();
        }
    }
}
