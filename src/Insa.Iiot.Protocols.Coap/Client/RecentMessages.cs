using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>The messages that were taken lately: a duplicate is acknowledged again and goes no further (RFC 7252 §4.5).</summary>
/// <remarks>
/// Not thread-safe. When full it forgets the oldest. What was rejected is not remembered: it is rejected again, and who forges messages
/// without knowing a token cannot use up ids.
/// </remarks>
internal sealed class RecentMessages(TimeProvider time, TimeSpan lifetime)
{
    public const int Capacity = 512;

    private readonly HashSet<(ushort, CoapToken)> _taken = [];
    private readonly Queue<((ushort, CoapToken) Key, long At)> _order = new();

    public bool Contains(ushort id, CoapToken token)
    {
        while (_order.TryPeek(out var oldest) && time.GetElapsedTime(oldest.At) >= lifetime)
            Forget();
        return _taken.Contains((id, token));
    }

    public void Add(ushort id, CoapToken token)
    {
        if (!_taken.Add((id, token)))
            return;
        if (_order.Count == Capacity)
            Forget();
        _order.Enqueue(((id, token), time.GetTimestamp()));
    }

    private void Forget() => _taken.Remove(_order.Dequeue().Key);
}
