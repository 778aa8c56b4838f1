using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>The key of one direction, with the nonces of RFC 5288 §3 and RFC 6655 §3. Not thread-safe.</summary>
internal sealed class AeadKey : IDisposable
{
    public const int FixedNonceBytes = 4;
    public const int ExplicitNonceBytes = 8;

    private readonly AesGcm? _gcm;
    private readonly AesCcm? _ccm;
    private readonly uint _fixedNonce;
    private readonly int _tagBytes;

    public AeadKey(DtlsSuite suite, ReadOnlySpan<byte> key, ReadOnlySpan<byte> fixedNonce)
    {
        _tagBytes = suite.TagBytes;
        _fixedNonce = BinaryPrimitives.ReadUInt32BigEndian(fixedNonce);
        if (suite.IsGcm)
            _gcm = new AesGcm(key, suite.TagBytes);
        else
            _ccm = new AesCcm(key);
    }

    /// <summary>What a sealed body is longer than its plaintext.</summary>
    public int Overhead => ExplicitNonceBytes + _tagBytes;

    /// <summary>Writes the explicit nonce, the ciphertext and the tag. A nonce must never come twice.</summary>
    public void Seal(ulong nonce, ReadOnlySpan<byte> plaintext, Span<byte> body, ReadOnlySpan<byte> associatedData)
    {
        BinaryPrimitives.WriteUInt64BigEndian(body, nonce);
        var ciphertext = body.Slice(ExplicitNonceBytes, plaintext.Length);
        var tag = body.Slice(ExplicitNonceBytes + plaintext.Length, _tagBytes);
        Span<byte> wholeNonce = stackalloc byte[FixedNonceBytes + ExplicitNonceBytes];
        WriteNonce(body, wholeNonce);
        if (_gcm is not null)
            _gcm.Encrypt(wholeNonce, plaintext, ciphertext, tag, associatedData);
        else
            _ccm!.Encrypt(wholeNonce, plaintext, ciphertext, tag, associatedData);
    }

    /// <returns><see langword="false"/> if it was not sealed with this key.</returns>
    public bool TryOpen(ReadOnlySpan<byte> body, Span<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        var ciphertext = body[ExplicitNonceBytes..^_tagBytes];
        var tag = body[^_tagBytes..];
        Span<byte> wholeNonce = stackalloc byte[FixedNonceBytes + ExplicitNonceBytes];
        WriteNonce(body, wholeNonce);
        try
        {
            if (_gcm is not null)
                _gcm.Decrypt(wholeNonce, ciphertext, tag, plaintext, associatedData);
            else
                _ccm!.Decrypt(wholeNonce, ciphertext, tag, plaintext, associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _gcm?.Dispose();
        _ccm?.Dispose();
    }

    private void WriteNonce(ReadOnlySpan<byte> body, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, _fixedNonce);
        body[..ExplicitNonceBytes].CopyTo(destination[FixedNonceBytes..]);
    }
}
