namespace Insa.Iiot.Protocols.Coap.Security;

/// <summary>Remembers for a while whom tokens stand for, so that a message costs no look at the store. Not thread-safe.</summary>
internal sealed class TokenCache
{
    private const int Capacity = 20_000;

    private readonly Dictionary<byte[], Entry> _entries = new(Utf8BytesComparer.Instance);
    private readonly Dictionary<byte[], Entry>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private readonly Queue<(byte[] Token, long ExpiresAt)> _order = new();
    private readonly long _lifetime;

    /// <param name="lifetime">How long, in <see cref="TimeProvider.TimestampFrequency"/>.</param>
    public TokenCache(long lifetime)
    {
        _lifetime = lifetime;
        _lookup = _entries.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    public TokenStanding Find(ReadOnlySpan<byte> token, long now, out DeviceSession? session)
    {
        session = null;
        if (!_lookup.TryGetValue(token, out var entry) || entry.ExpiresAt <= now)
            return TokenStanding.Unknown;
        session = entry.Session;
        return session is null ? TokenStanding.Bad : TokenStanding.Good;
    }

    public void Set(byte[] token, DeviceSession? session, long now)
    {
        // All live equally long, so the first in line is the first to go.
        while (_order.TryPeek(out var oldest) && (oldest.ExpiresAt <= now || _entries.Count >= Capacity))
        {
            _order.Dequeue();
            if (_entries.TryGetValue(oldest.Token, out var entry) && entry.ExpiresAt <= oldest.ExpiresAt)
                _entries.Remove(oldest.Token);
        }

        var expiresAt = now + _lifetime;
        _entries[token] = new Entry(session, expiresAt);
        _order.Enqueue((token, expiresAt));
    }

    private readonly record struct Entry(DeviceSession? Session, long ExpiresAt);
}
