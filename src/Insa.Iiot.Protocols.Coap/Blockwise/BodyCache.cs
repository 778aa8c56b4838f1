namespace Insa.Iiot.Protocols.Coap.Blockwise;

/// <summary>Keeps answers that are fetched in blocks (RFC 7959 §2.4), the newest up to a number of bytes. Not thread-safe.</summary>
/// <param name="maxBytes">The most bytes of all answers.</param>
/// <param name="lifetime">How long one is kept, in the unit of the times given.</param>
internal sealed class BodyCache(int maxBytes, long lifetime)
{
    private const int EntryBytes = 256; // about what an answer takes beside its bytes

    private readonly Dictionary<BodyKey, (CoapResponse Response, long KeptAt)> _answers = [];
    private readonly Queue<(BodyKey Key, CoapResponse Response, long KeptAt)> _order = new();
    private long _bytes;

    public CoapResponse? Find(BodyKey key, long now) =>
        _answers.TryGetValue(key, out var kept) && now - kept.KeptAt <= lifetime ? kept.Response : null;

    public void Add(BodyKey key, CoapResponse response, long now)
    {
        _answers[key] = (response, now);
        _order.Enqueue((key, response, now));
        _bytes += response.Payload.Length + EntryBytes;
        Sweep(now);
    }

    public void Sweep(long now)
    {
        while (_order.TryPeek(out var oldest) && (_bytes > maxBytes || now - oldest.KeptAt > lifetime))
        {
            _order.Dequeue();
            _bytes -= oldest.Response.Payload.Length + EntryBytes;
            if (_answers.TryGetValue(oldest.Key, out var current) && current.Response == oldest.Response)
                _answers.Remove(oldest.Key);
        }
    }
}
