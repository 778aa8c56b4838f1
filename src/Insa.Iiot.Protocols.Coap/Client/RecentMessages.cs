using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>The server's latest messages and how they were answered: a duplicate is answered alike and goes no further (RFC 7252 §4.5).</summary>
/// <remarks>Not thread-safe. When full it forgets the oldest: a duplicate of that is told apart by its token and order alone.</remarks>
internal sealed class RecentMessages(TimeProvider time, TimeSpan lifetime)
{
    public const int Capacity = 512;

    private readonly Dictionary<ushort, CoapType?> _answers = [];
    private readonly Queue<(ushort Id, long At)> _order = new();

    /// <param name="id">The message's id.</param>
    /// <param name="answer">What it was answered with: an acknowledgement, a reset, or nothing.</param>
    /// <returns>Whether it came before.</returns>
    public bool TryFind(ushort id, out CoapType? answer)
    {
        while (_order.TryPeek(out var oldest) && time.GetElapsedTime(oldest.At) >= lifetime)
            Forget();
        return _answers.TryGetValue(id, out answer);
    }

    /// <summary>Takes note of a message that <see cref="TryFind"/> has not found.</summary>
    public void Add(ushort id, CoapType? answer)
    {
        if (_order.Count == Capacity)
            Forget();
        _answers.Add(id, answer);
        _order.Enqueue((id, time.GetTimestamp()));
    }

    private void Forget() => _answers.Remove(_order.Dequeue().Id);
}
