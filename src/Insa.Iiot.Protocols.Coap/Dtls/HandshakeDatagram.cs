namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>Judges what may be shown to a running handshake: BouncyCastle ends it for some headers that anybody can forge.</summary>
internal static class HandshakeDatagram
{
    // A sealed alert, the shortest: 2 bytes, the explicit nonce and a tag of 16.
    private const int ShortestSealedBody = 26;

    /// <summary>Reads what a datagram holds.</summary>
    /// <param name="datagram">The datagram.</param>
    /// <param name="idLength">How long the receiver's connection ids are.</param>
    /// <param name="changesCipher">Whether a ChangeCipherSpec is in it.</param>
    /// <param name="sealedAt">0 if no sealed record is in it, 1 if one is, 2 if one is behind the ChangeCipherSpec.</param>
    /// <returns><see langword="false"/> if it must not be shown.</returns>
    public static bool TryRead(ReadOnlySpan<byte> datagram, int idLength, out bool changesCipher, out int sealedAt)
    {
        (changesCipher, sealedAt) = (false, 0);
        while (!datagram.IsEmpty)
        {
            if (!DtlsRecord.TryRead(ref datagram, idLength, out var record))
                return false;
            if (record.Epoch == 0)
            {
                if (record.Type > DtlsContentType.Handshake || record.Body.IsEmpty)
                    return false;
                changesCipher |= record.Type == DtlsContentType.ChangeCipherSpec;
                continue;
            }

            if (record.Epoch > 1 || record.Body.Length < ShortestSealedBody)
                return false;
            sealedAt = Math.Max(sealedAt, changesCipher ? 2 : 1);
        }

        return true;
    }
}
