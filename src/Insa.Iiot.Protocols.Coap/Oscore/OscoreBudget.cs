namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>A number of bytes that many share. Thread-safe.</summary>
internal sealed class OscoreBudget(long bytes)
{
    private long _left = bytes;

    public long Left => Interlocked.Read(ref _left);

    public bool TryTake(int count)
    {
        if (Interlocked.Add(ref _left, -count) >= 0)
            return true;
        Interlocked.Add(ref _left, count);
        return false;
    }

    /// <summary>Gives bytes back; takes them if there are fewer than none.</summary>
    public void Give(int count) => Interlocked.Add(ref _left, count);
}
