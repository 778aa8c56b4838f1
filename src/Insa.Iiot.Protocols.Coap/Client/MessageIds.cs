namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>Gives out message ids, none twice within the exchange lifetime (RFC 7252 §4.4). Not thread-safe.</summary>
/// <remarks>That is 65,536 messages in 247 s, about 265 a second: who needs more takes several clients, each with a port of its own.</remarks>
internal sealed class MessageIds(TimeProvider time, TimeSpan lifetime)
{
    private const int RangeBits = 10;

    private readonly long?[] _lastUsed = new long?[1 << (16 - RangeBits)];
    private ushort _next = (ushort)Random.Shared.Next(ushort.MaxValue + 1);

    /// <returns><see langword="false"/> if the next ids were used too recently.</returns>
    public bool TryTake(out ushort id)
    {
        id = _next;
        var now = time.GetTimestamp();
        var range = _next >> RangeBits;
        var isFirst = (_next & ((1 << RangeBits) - 1)) == 0;
        if (isFirst && _lastUsed[range] is { } used && time.GetElapsedTime(used, now) < lifetime)
            return false;

        _lastUsed[range] = now;
        _next++;
        return true;
    }
}
