namespace Insa.Iiot.Protocols.Coap.Exchange;

/// <summary>Keeps whole answers to messages that must not be handled twice, the newest up to a number of bytes. Not thread-safe.</summary>
internal sealed class AnswerCache(int capacityBytes)
{
    private const int EntryBytes = 128; // about what an answer takes beside its bytes

    private readonly Dictionary<(Peer Peer, ushort MessageId), byte[]> _answers = [];
    private readonly Queue<((Peer, ushort) Key, byte[] Answer)> _order = new();
    private int _bytes;

    public void Add(Peer peer, ushort messageId, byte[] answer)
    {
        _answers[(peer, messageId)] = answer;
        _order.Enqueue(((peer, messageId), answer));
        _bytes += answer.Length + EntryBytes;
        while (_bytes > capacityBytes && _order.TryDequeue(out var oldest))
        {
            _bytes -= oldest.Answer.Length + EntryBytes;
            if (_answers.TryGetValue(oldest.Key, out var current) && current == oldest.Answer)
                _answers.Remove(oldest.Key);
        }
    }

    public byte[]? Find(Peer peer, ushort messageId) => _answers.GetValueOrDefault((peer, messageId));
}
