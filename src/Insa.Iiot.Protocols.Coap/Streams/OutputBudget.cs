namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>What may wait beside the pipes of connections that are not read fast enough: per connection, and in all.</summary>
/// <remarks>
/// When half of all is taken, a connection keeps its share of the other half and no more: so those who read are not cut off for those who do
/// not, and the sum stays within its bound.
/// </remarks>
/// <param name="maxBytes">The most of one connection.</param>
/// <param name="maxTotalBytes">The most of all.</param>
/// <param name="maxConnections">How many there may be.</param>
/// <param name="refused">Told, by a reason, that one got none.</param>
internal sealed class OutputBudget(int maxBytes, long maxTotalBytes, int maxConnections, Action<string> refused)
{
    private readonly long _half = maxTotalBytes / 2;
    private readonly long _share = maxTotalBytes / 2 / maxConnections;
    private long _total;

    /// <summary>A single connection's, without a sum.</summary>
    public OutputBudget(int maxBytes)
        : this(maxBytes, 2L * maxBytes, 1, _ => { }) { }

    public long Total => Interlocked.Read(ref _total);

    /// <summary>Takes what a connection needs for more output.</summary>
    /// <param name="held">What it has taken already.</param>
    /// <param name="more">How much more it needs.</param>
    /// <returns><see langword="false"/> if there is none for it: it reads too slowly, and is to be cut off.</returns>
    public bool TryTake(int held, int more)
    {
        if ((long)held + more > maxBytes)
        {
            refused("slow_reader");
            return false;
        }

        if (Interlocked.Add(ref _total, more) <= _half || held + more <= _share)
            return true;
        Interlocked.Add(ref _total, -more);
        refused("output_full");
        return false;
    }

    /// <summary>Gives it back.</summary>
    public void Return(int bytes) => Interlocked.Add(ref _total, -bytes);
}
