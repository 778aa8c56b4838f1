using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>
/// Follows whether a client that has shown a certificate has also proved that it is its own (RFC 5246 §7.4.8). BouncyCastle changes to the new cipher as
/// soon as there are keys: a CertificateVerify that the network has lost behind them would be of the old one, and could never come again.
/// </summary>
internal sealed class ClientProof
{
    private const int HeaderLength = 12;
    private const byte Certificate = 11;
    private const byte CertificateVerify = 15;

    // An empty list of certificates: its length, and nothing.
    private const int NoCertificate = 3;

    private bool _isDue;
    private int _length = -1;
    private int _received;

    /// <summary>Reads what a datagram says of it.</summary>
    /// <returns><see langword="false"/> if it changes the cipher before all of the proof has come: it must not be shown, and comes again with what was lost.</returns>
    public bool TryFollow(ReadOnlySpan<byte> datagram, int idLength)
    {
        while (DtlsRecord.TryRead(ref datagram, idLength, out var record))
        {
            if (record.Epoch != 0)
                continue;
            if (record.Type == DtlsContentType.Handshake)
                Follow(record.Body);
            else if (record.Type == DtlsContentType.ChangeCipherSpec && _isDue && _received != _length)
                return false;
        }

        return true;
    }

    // The header of a fragment: type, length, number, offset and length of the fragment (RFC 6347 §4.2.2).
    private void Follow(ReadOnlySpan<byte> messages)
    {
        while (messages.Length >= HeaderLength)
        {
            var length = ReadUInt24(messages[1..]);
            var offset = ReadUInt24(messages[6..]);
            var count = ReadUInt24(messages[9..]);
            _isDue |= messages[0] == Certificate && length > NoCertificate;
            if (messages[0] == CertificateVerify)
            {
                _length = length;
                if (offset <= _received)
                    _received = Math.Max(_received, Math.Min(offset + count, length));
            }

            messages = messages[Math.Min(HeaderLength + count, messages.Length)..];
        }
    }

    private static int ReadUInt24(ReadOnlySpan<byte> bytes) => (bytes[0] << 16) | BinaryPrimitives.ReadUInt16BigEndian(bytes[1..]);
}
