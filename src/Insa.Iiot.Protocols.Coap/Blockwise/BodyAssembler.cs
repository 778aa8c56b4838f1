using System.Buffers;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Blockwise;

/// <summary>Puts requests together that come in blocks (RFC 7959 §2.5), within limits of bytes and time. Not thread-safe.</summary>
/// <param name="maxBodyBytes">The largest body.</param>
/// <param name="maxBytes">The most bytes of all bodies.</param>
/// <param name="lifetime">How long a body may wait for its next part, in the unit of the times given.</param>
internal sealed class BodyAssembler(int maxBodyBytes, int maxBytes, long lifetime)
{
    private const int Shares = 16;
    private const int EntryBytes = 256; // about what a body takes beside its bytes

    private readonly Dictionary<BodyKey, Body> _bodies = [];
    private int _bytes;

    public int Count => _bodies.Count;

    public int Bytes => _bytes;

    /// <summary>Takes a part.</summary>
    /// <param name="peer">Whose body it is; none has more than a share of the room.</param>
    /// <param name="key">What tells the body from others.</param>
    /// <param name="block">Which part.</param>
    /// <param name="payload">Its bytes.</param>
    /// <param name="size">The body's size as the client said it; 0 if it did not.</param>
    /// <param name="now">The time.</param>
    /// <param name="body">The whole body, rented from the shared pool: the caller returns it.</param>
    /// <param name="length">Its length.</param>
    public BodyState Add(
        Peer peer,
        BodyKey key,
        CoapBlock block,
        ReadOnlySpan<byte> payload,
        uint size,
        long now,
        out byte[]? body,
        out int length
    )
    {
        body = null;
        length = 0;
        if (!block.Fits(payload.Length))
            return BodyState.Malformed;
        if (size > maxBodyBytes || block.Offset + payload.Length > maxBodyBytes)
        {
            Remove(key);
            return BodyState.TooLarge;
        }

        if (!_bodies.TryGetValue(key, out var known) || block.Number == 0)
        {
            if (block.Number != 0)
                return BodyState.Incomplete;

            // The first part again may be a new body: it takes the former one's place.
            Remove(key);
            if (!HasRoom(peer, payload.Length + EntryBytes, now))
                return BodyState.NoRoom;
            known = new Body(peer);
            _bodies[key] = known;
            Charge(known, EntryBytes);
        }

        // Before anything that may sweep: a body is not to be swept while it is added to.
        known.Touched = now;

        if (block.Offset != known.Length)
            return IsRepeated(known, block, payload) ? BodyState.Continue : BodyState.Incomplete;
        if (!TryAppend(known, payload, now))
            return BodyState.NoRoom;
        if (block.HasMore)
            return BodyState.Continue;

        _bodies.Remove(key);
        Charge(known, -known.Buffer.Length - EntryBytes);
        (body, length) = (known.Buffer, known.Length);
        return BodyState.Complete;
    }

    /// <summary>Forgets bodies that wait too long.</summary>
    public void Sweep(long now)
    {
        foreach (var (key, body) in _bodies)
        {
            if (now - body.Touched > lifetime)
                Remove(key);
        }
    }

    private static bool IsRepeated(Body body, CoapBlock block, ReadOnlySpan<byte> payload) =>
        block.HasMore
        && block.Offset + payload.Length == body.Length
        && payload.SequenceEqual(body.Buffer.AsSpan((int)block.Offset, payload.Length));

    private bool TryAppend(Body body, ReadOnlySpan<byte> payload, long now)
    {
        var needed = body.Length + payload.Length;
        if (needed > body.Buffer.Length)
        {
            if (!HasRoom(body.Peer, needed, now))
                return false;
            var grown = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Min(body.Length * 2, maxBodyBytes)));
            body.Buffer.AsSpan(0, body.Length).CopyTo(grown);
            Charge(body, grown.Length - body.Buffer.Length);
            Return(body);
            body.Buffer = grown;
        }

        payload.CopyTo(body.Buffer.AsSpan(body.Length));
        body.Length = needed;
        return true;
    }

    private bool HasRoom(Peer peer, int bytes, long now)
    {
        var share = Math.Max(maxBytes / Shares, (2 * maxBodyBytes) + EntryBytes);
        if (_bytes + bytes > maxBytes || peer.UploadBytes + bytes > share)
            Sweep(now);
        return _bytes + bytes <= maxBytes && peer.UploadBytes + bytes <= share;
    }

    private void Charge(Body body, int bytes)
    {
        _bytes += bytes;
        body.Peer.UploadBytes += bytes;
    }

    private void Remove(BodyKey key)
    {
        if (!_bodies.Remove(key, out var body))
            return;
        Charge(body, -body.Buffer.Length - EntryBytes);
        Return(body);
    }

    private static void Return(Body body)
    {
        if (body.Buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(body.Buffer);
    }

    private sealed class Body(Peer peer)
    {
        public Peer Peer { get; } = peer;

        public byte[] Buffer { get; set; } = [];

        public int Length { get; set; }

        public long Touched { get; set; }
    }
}
