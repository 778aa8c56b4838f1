using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>Which request each notification answers: that of its registration, by token (RFC 8613 §8.3). Not thread-safe.</summary>
/// <param name="capacity">More than a peer may observe: what is forgotten then ended without a word.</param>
internal sealed class OscoreObservations(int capacity)
{
    private readonly Dictionary<CoapToken, (long PartialIv, ushort Id, ushort MessageId, long Used)> _byToken = [];
    private long _uses;

    public bool TryFind(CoapToken token, out long partialIv)
    {
        var isThere = _byToken.TryGetValue(token, out var found);
        partialIv = found.PartialIv;
        return isThere;
    }

    /// <summary>Notes a notification.</summary>
    /// <param name="token">Its token.</param>
    /// <param name="partialIv">That of the registration.</param>
    /// <param name="id">Its message id inside.</param>
    /// <param name="messageId">Its message id outside.</param>
    public void Set(CoapToken token, long partialIv, ushort id, ushort messageId)
    {
        if (_byToken.Count >= capacity && !_byToken.ContainsKey(token))
            _byToken.Remove(_byToken.MinBy(observation => observation.Value.Used).Key);
        _byToken[token] = (partialIv, id, messageId, ++_uses);
    }

    public void Remove(CoapToken token) => _byToken.Remove(token);

    /// <summary>Takes a RST for a notification (RFC 7641 §3.6).</summary>
    /// <param name="messageId">Its message id outside.</param>
    /// <param name="id">Its message id inside.</param>
    public bool TryReject(ushort messageId, out ushort id)
    {
        id = 0;
        foreach (var (token, observation) in _byToken)
        {
            if (observation.MessageId != messageId)
                continue;
            id = observation.Id;
            return _byToken.Remove(token);
        }

        return false;
    }
}
