using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>The security context of one pair of peers (RFC 8613 §3.1), for AES-CCM-16-64-128. Not thread-safe.</summary>
internal sealed class OscoreContext : IDisposable
{
    private readonly byte[] _commonIv;
    private readonly AesCcm _sender;
    private readonly AesCcm _recipient;
    private readonly byte[] _senderId;
    private readonly byte[] _recipientId;
    private readonly byte[]? _idContext;

    /// <param name="secret">The master secret.</param>
    /// <param name="salt">The master salt; may be empty.</param>
    /// <param name="senderId">Up to <see cref="OscoreKeys.MaxIdBytes"/> bytes, and another than the recipient's.</param>
    /// <param name="recipientId">Likewise.</param>
    /// <param name="idContext">Up to <see cref="OscoreKeys.MaxIdContextBytes"/> bytes.</param>
    public OscoreContext(
        ReadOnlySpan<byte> secret,
        ReadOnlySpan<byte> salt,
        ReadOnlySpan<byte> senderId,
        ReadOnlySpan<byte> recipientId,
        byte[]? idContext
    )
    {
        // The nonce is made of the id: with equal ids both sides would use the same ones under the same key.
        if (senderId.SequenceEqual(recipientId))
            throw new ArgumentException("The ids of sender and recipient must differ.", nameof(recipientId));
        _senderId = senderId.ToArray();
        _recipientId = recipientId.ToArray();
        _idContext = idContext;
        _commonIv = OscoreKeys.DeriveCommonIv(secret, salt, idContext);
        _sender = MakeKey(secret, salt, senderId);
        _recipient = MakeKey(secret, salt, recipientId);
    }

    public ReadOnlySpan<byte> SenderId => _senderId;

    public ReadOnlySpan<byte> RecipientId => _recipientId;

    public ReadOnlySpan<byte> IdContext => _idContext;

    public bool HasIdContext => _idContext is not null;

    /// <summary>Writes a Partial IV: the number without leading zeros, and at least one byte (RFC 8613 §6.1).</summary>
    public static int WritePartialIv(long sequence, Span<byte> destination)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, sequence);
        var skip = Math.Min(System.Numerics.BitOperations.LeadingZeroCount((ulong)sequence) / 8, sizeof(long) - 1);
        bytes[skip..].CopyTo(destination);
        return sizeof(long) - skip;
    }

    public static long ReadPartialIv(ReadOnlySpan<byte> partialIv)
    {
        long sequence = 0;
        foreach (var b in partialIv)
            sequence = (sequence << 8) | b;
        return sequence;
    }

    /// <summary>The nonce of a Partial IV and the id of who made it (RFC 8613 §5.2).</summary>
    public void WriteNonce(ReadOnlySpan<byte> id, ReadOnlySpan<byte> partialIv, Span<byte> nonce)
    {
        nonce.Clear();
        nonce[0] = (byte)id.Length;
        id.CopyTo(nonce[(1 + OscoreKeys.MaxIdBytes - id.Length)..]);
        partialIv.CopyTo(nonce[^partialIv.Length..]);
        for (var i = 0; i < nonce.Length; i++)
            nonce[i] ^= _commonIv[i];
    }

    /// <summary>Writes ciphertext and tag. A nonce must never come twice.</summary>
    public void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> aad, Span<byte> sealedBytes) =>
        _sender.Encrypt(nonce, plaintext, sealedBytes[..plaintext.Length], sealedBytes[plaintext.Length..], aad);

    /// <returns><see langword="false"/> if the other side did not seal it.</returns>
    public bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> aad, Span<byte> plaintext)
    {
        try
        {
            _recipient.Decrypt(nonce, sealedBytes[..^OscoreKeys.TagBytes], sealedBytes[^OscoreKeys.TagBytes..], plaintext, aad);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _sender.Dispose();
        _recipient.Dispose();
    }

    private AesCcm MakeKey(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> id)
    {
        var key = OscoreKeys.DeriveKey(secret, salt, _idContext, id);
        try
        {
            return new AesCcm(key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }
}
