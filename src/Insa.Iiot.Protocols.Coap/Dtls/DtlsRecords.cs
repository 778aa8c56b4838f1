using System.Buffers.Binary;
using System.Security.Cryptography;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto;
using Org.BouncyCastle.Tls.Crypto.Impl;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>Seals and opens the records of an established connection. One thread may seal while another opens.</summary>
/// <remarks>
/// BouncyCastle does the handshake and no more: its record layer allocates for every record, waits up to a millisecond on
/// the caller's thread for each bad one, and ends the connection on some headers that anybody can forge.
/// </remarks>
internal sealed class DtlsRecords : IDisposable
{
    /// <summary>What a record is longer than its plaintext at most, its header and a connection id aside.</summary>
    public const int MaxOverhead = AeadKey.ExplicitNonceBytes + 16 + 1;

    private const ushort Epoch = 1;
    private const ulong EpochBits = (ulong)Epoch << 48;
    private const ulong LastSequence = 0xFFFF_FFFF_FFFF;
    private const int LongestAssociatedData = 23 + byte.MaxValue;

    private readonly AeadKey _sealing;
    private readonly AeadKey _opening;
    private readonly byte[] _ownId;
    private readonly byte[] _peerId;
    private ulong _nextSequence;
    private ReplayWindow _window;

    private DtlsRecords(AeadKey sealing, AeadKey opening, byte[] ownId, byte[] peerId, ulong nextSequence, int maxPlaintextBytes)
    {
        (_sealing, _opening, _ownId, _peerId) = (sealing, opening, ownId, peerId);
        (_nextSequence, MaxPlaintextBytes) = (nextSequence, maxPlaintextBytes);
    }

    /// <summary>What the peer must put before its records so that they find us; empty if it need not.</summary>
    public ReadOnlySpan<byte> OwnId => _ownId;

    /// <summary>What one record may hold at most, as agreed (RFC 6066 §4).</summary>
    public int MaxPlaintextBytes { get; }

    /// <summary>How long the peer's id is, which our records name.</summary>
    public int PeerIdLength => _peerId.Length;

    /// <summary>Takes the keys from a handshake whose master secret is established and not yet cleared.</summary>
    /// <param name="context">The handshake's context.</param>
    /// <param name="lastSequence">The highest sequence number that the handshake used or will still use in the new epoch.</param>
    public static DtlsRecords From(TlsContext context, ulong lastSequence)
    {
        var security = context.SecurityParameters;
        var suite = DtlsSuite.Of(security.CipherSuite);
        Span<byte> block = stackalloc byte[2 * (suite.KeyBytes + AeadKey.FixedNonceBytes)];
        TlsImplUtilities.CalculateKeyBlock(new TlsCryptoParameters(context), block);

        // RFC 5246 §6.3: the client's key, the server's, then the nonces likewise; AEAD suites have no MAC keys.
        var nonces = block[(2 * suite.KeyBytes)..];
        var client = new AeadKey(suite, block[..suite.KeyBytes], nonces[..AeadKey.FixedNonceBytes]);
        var server = new AeadKey(suite, block.Slice(suite.KeyBytes, suite.KeyBytes), nonces[AeadKey.FixedNonceBytes..]);
        CryptographicOperations.ZeroMemory(block);

        // "Local" and "peer" are told here by who sends the records, not by who chose the id.
        var ownId = security.ConnectionIDPeer ?? [];
        var peerId = security.ConnectionIDLocal ?? [];
        var limit = security.MaxFragmentLength > 0 ? 1 << (8 + security.MaxFragmentLength) : 1 << 14;
        return context.IsServer
            ? new DtlsRecords(server, client, ownId, peerId, lastSequence + 1, limit)
            : new DtlsRecords(client, server, ownId, peerId, lastSequence + 1, limit);
    }

    /// <summary>Writes a record.</summary>
    /// <returns>Its length; 0 if it does not fit, or all sequence numbers are used up.</returns>
    public int Seal(DtlsContentType type, ReadOnlySpan<byte> plaintext, Span<byte> destination)
    {
        var inner = plaintext.Length + (_peerId.Length > 0 ? 1 : 0);
        var headerLength = DtlsRecord.HeaderLength + _peerId.Length;
        var length = headerLength + inner + _sealing.Overhead;
        if (plaintext.Length > MaxPlaintextBytes || length > destination.Length || _nextSequence > LastSequence)
            return 0;

        var epochAndSequence = EpochBits | _nextSequence++;
        var outer = _peerId.Length > 0 ? DtlsContentType.WithConnectionId : type;
        destination[0] = (byte)outer;
        BinaryPrimitives.WriteUInt16BigEndian(destination[1..], DtlsRecord.Version12);
        BinaryPrimitives.WriteUInt64BigEndian(destination[3..], epochAndSequence);
        _peerId.CopyTo(destination[(DtlsRecord.HeaderLength - 2)..]);
        BinaryPrimitives.WriteUInt16BigEndian(destination[(headerLength - 2)..], (ushort)(inner + _sealing.Overhead));

        Span<byte> data = stackalloc byte[LongestAssociatedData];
        data = data[..WriteAssociatedData(data, outer, epochAndSequence, _peerId, inner)];
        var body = destination[headerLength..length];
        if (_peerId.Length == 0)
        {
            _sealing.Seal(epochAndSequence, plaintext, body, data);
            return length;
        }

        // RFC 9146 §4: the type is sealed behind the content. Where the ciphertext will be is room for both.
        var content = body.Slice(AeadKey.ExplicitNonceBytes, inner);
        plaintext.CopyTo(content);
        content[^1] = (byte)type;
        _sealing.Seal(epochAndSequence, content, body, data);
        return length;
    }

    /// <summary>Opens a record that has not been opened before.</summary>
    /// <param name="record">The record.</param>
    /// <param name="destination">Where its plaintext goes: room for its body.</param>
    /// <param name="type">What it holds.</param>
    /// <param name="length">How long its plaintext is.</param>
    /// <param name="isNewest">Whether no record with a higher sequence number was opened.</param>
    /// <returns>What came of it.</returns>
    public DtlsOpening Open(in DtlsRecord record, Span<byte> destination, out DtlsContentType type, out int length, out bool isNewest)
    {
        (type, length, isNewest) = (record.Type, 0, false);
        var usesId = record.Type == DtlsContentType.WithConnectionId;
        if (
            record.Epoch != Epoch
            || record.Version != DtlsRecord.Version12
            || usesId != _ownId.Length > 0
            || !record.ConnectionId.SequenceEqual(_ownId)
            || record.Body.Length < _opening.Overhead
            || _window.IsReplay(record.Sequence)
        )
            return DtlsOpening.Ignored;

        length = record.Body.Length - _opening.Overhead;
        if (length > destination.Length)
            return DtlsOpening.Ignored;
        Span<byte> data = stackalloc byte[LongestAssociatedData];
        data = data[..WriteAssociatedData(data, record.Type, record.EpochAndSequence, _ownId, length)];
        if (!_opening.TryOpen(record.Body, destination[..length], data))
            return DtlsOpening.Forged;

        isNewest = _window.Accept(record.Sequence);
        if (!usesId)
            return DtlsOpening.Opened;

        // The padding of zeros ends where the type is.
        length = destination[..length].LastIndexOfAnyExcept((byte)0);
        if (length < 0)
            return DtlsOpening.Ignored;
        type = (DtlsContentType)destination[length];
        return DtlsOpening.Opened;
    }

    public void Dispose()
    {
        _sealing.Dispose();
        _opening.Dispose();
    }

    // RFC 5246 §6.2.3.3, and RFC 9146 §5.3 for records with a connection id.
    private static int WriteAssociatedData(Span<byte> data, DtlsContentType type, ulong epochAndSequence, ReadOnlySpan<byte> id, int length)
    {
        if (id.IsEmpty)
        {
            BinaryPrimitives.WriteUInt64BigEndian(data, epochAndSequence);
            data[8] = (byte)type;
            BinaryPrimitives.WriteUInt16BigEndian(data[9..], DtlsRecord.Version12);
            BinaryPrimitives.WriteUInt16BigEndian(data[11..], (ushort)length);
            return 13;
        }

        BinaryPrimitives.WriteUInt64BigEndian(data, ulong.MaxValue);
        data[8] = (byte)DtlsContentType.WithConnectionId;
        data[9] = (byte)id.Length;
        data[10] = (byte)DtlsContentType.WithConnectionId;
        BinaryPrimitives.WriteUInt16BigEndian(data[11..], DtlsRecord.Version12);
        BinaryPrimitives.WriteUInt64BigEndian(data[13..], epochAndSequence);
        id.CopyTo(data[21..]);
        BinaryPrimitives.WriteUInt16BigEndian(data[(21 + id.Length)..], (ushort)length);
        return 23 + id.Length;
    }
}
