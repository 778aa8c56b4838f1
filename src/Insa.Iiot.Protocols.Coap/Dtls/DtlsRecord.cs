using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>A record as it lies in its datagram (RFC 6347 §4.1, RFC 9146 §4).</summary>
internal readonly ref struct DtlsRecord
{
    public const int HeaderLength = 13;
    public const ushort Version12 = 0xFEFD;

    /// <summary>A ClientHello and the answer to it may say so (RFC 6347 §4.2.1).</summary>
    public const ushort Version10 = 0xFEFF;

    public DtlsContentType Type { get; private init; }

    public ushort Version { get; private init; }

    public ushort Epoch { get; private init; }

    /// <summary>The epoch's 16 bits and the sequence number's 48: the nonce and the associated data take them as one.</summary>
    public ulong EpochAndSequence { get; private init; }

    public ReadOnlySpan<byte> ConnectionId { get; private init; }

    public ReadOnlySpan<byte> Body { get; private init; }

    public ulong Sequence => EpochAndSequence & 0xFFFF_FFFF_FFFF;

    /// <summary>Takes the next record of a datagram.</summary>
    /// <param name="rest">What is left of the datagram.</param>
    /// <param name="idLength">How long the receiver's connection ids are: a record does not say.</param>
    /// <param name="record">The record.</param>
    /// <returns><see langword="false"/> if nothing is left, or what is left is no record of this version.</returns>
    public static bool TryRead(scoped ref ReadOnlySpan<byte> rest, int idLength, out DtlsRecord record)
    {
        record = default;
        if (rest.Length < HeaderLength)
            return false;
        var type = (DtlsContentType)rest[0];
        if (type is < DtlsContentType.ChangeCipherSpec or > DtlsContentType.WithConnectionId)
            return false;
        var version = BinaryPrimitives.ReadUInt16BigEndian(rest[1..]);
        if (version is not (Version12 or Version10))
            return false;
        var extra = type == DtlsContentType.WithConnectionId ? idLength : 0;
        if (rest.Length < HeaderLength + extra)
            return false;
        var length = BinaryPrimitives.ReadUInt16BigEndian(rest[(HeaderLength - 2 + extra)..]);
        var body = rest[(HeaderLength + extra)..];
        if (length > body.Length)
            return false;

        record = new DtlsRecord
        {
            Type = type,
            Version = version,
            Epoch = BinaryPrimitives.ReadUInt16BigEndian(rest[3..]),
            EpochAndSequence = BinaryPrimitives.ReadUInt64BigEndian(rest[3..]),
            ConnectionId = rest.Slice(HeaderLength - 2, extra),
            Body = body[..length],
        };
        rest = body[length..];
        return true;
    }
}
