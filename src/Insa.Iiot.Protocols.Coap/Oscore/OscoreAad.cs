namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>The additional data of the encryption: what request a message is, or answers (RFC 8613 §5.4).</summary>
internal static class OscoreAad
{
    /// <summary>AES-CCM with a key of 128 bits, a tag of 64 and a nonce of 13 bytes (RFC 8152 §10.2).</summary>
    public const int AesCcm16_64_128 = 10;

    public const int MaxBytes = 40;

    private const int Version = 1;

    /// <summary>Writes the Enc_structure; no options of class I are defined.</summary>
    public static int Write(ReadOnlySpan<byte> requestKid, ReadOnlySpan<byte> requestPartialIv, Span<byte> destination)
    {
        Span<byte> buffer = stackalloc byte[MaxBytes];
        var array = new CoseWriter(buffer);
        array.WriteArray(5);
        array.WriteInteger(Version);
        array.WriteArray(1);
        array.WriteInteger(AesCcm16_64_128);
        array.WriteBytes(requestKid);
        array.WriteBytes(requestPartialIv);
        array.WriteBytes([]);

        var structure = new CoseWriter(destination);
        structure.WriteArray(3);
        structure.WriteText("Encrypt0"u8);
        structure.WriteBytes([]);
        structure.WriteBytes(array.Written);
        return structure.Written.Length;
    }
}
